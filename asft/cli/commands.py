"""The commands of `asft`: a row each, which names the function whose parameters are its flags.

A flag is written once, as a parameter of the step: `checkpoint_minutes: float = 15` of
`train_policy` is `--checkpoint-minutes`, its help the parameter's line under `Args:`. A step is
imported when its command is called, not before.
"""

import inspect
import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import typer

from asft.errors import UserError


class Command(NamedTuple):
    """A sub-command: the package and the function in it that it runs, and its line in the help."""

    room: str
    step: str
    help: str
    passes_on: bool = False  # options that it does not know are arguments

    def load(self) -> Callable[..., None]:
        """Import the function that the command runs."""
        step: Callable[..., None] = getattr(import_module(f"asft.{self.room}"), self.step)
        return step


GROUPS = {
    "plot": "One figure: pdf, png and the numbers as csv.",
    "import": "Published judgments as our verdicts.",
    "join": "The tables of several base models in one.",
}
COMMANDS = {
    "init": Command("cli.project", "init", "Lay out a project in a folder, with its config."),
    "run": Command(
        "cli.project", "run", "Snakemake with the package's own files where none are here.", True
    ),
    "du": Command("cli.disk", "disk_usage", "What an experiment's folder takes, by kind of file."),
    "clean": Command("cli.disk", "clean", "What of it is safe to delete; deletes it if told to."),
    "fetch-model": Command(
        "models", "fetch_base_model", "Import the base policy from its sources."
    ),
    "merge-adapter": Command(
        "models", "merge_adapter", "Merge a published adapter into its base policy."
    ),
    "prepare-benchmark": Command(
        "data", "write_benchmark", "Questions and reference answers of a benchmark."
    ),
    "prepare-dataset": Command(
        "cli.prepare_dataset",
        "prepare_dataset",
        "Preference pairs, their tokens, and counts of what was dropped.",
    ),
    "prepare-comparisons": Command(
        "data", "write_comparisons", "Completions that policies rank, better and worse ones."
    ),
    "data-card": Command(
        "data",
        "write_data_card",
        "A data set's card: counts, and test questions found among its training prompts.",
    ),
    "settings": Command(
        "training", "write_settings", "Resolved settings and provenance of one training run."
    ),
    "reference": Command(
        "training", "score_reference", "Log-probabilities of all pairs under the reference."
    ),
    "completion-logps": Command(
        "training", "score_completions", "Log-probabilities of completions that a policy ranks."
    ),
    "train": Command("training", "train_policy", "Train one policy."),
    "generate": Command("generation", "generate_answers", "A policy's answers to a benchmark."),
    "ask": Command(
        "generation", "ask_policies", "Policies' answers to one's own prompts, or a conversation."
    ),
    "lm-eval": Command(
        "abilities", "evaluate_abilities", "A policy's values on tasks of lm-evaluation-harness."
    ),
    "score": Command(
        "metrics", "score_answers", "BLEU and ROUGE of a policy's answers, question by question."
    ),
    "score-pairs": Command(
        "metrics", "score_pairs", "What a policy prefers of pairs, by its log-probabilities."
    ),
    "score-comparisons": Command(
        "metrics", "score_comparisons", "A policy as a reward model: whether it ranks rightly."
    ),
    "measure-cost": Command(
        "training",
        "measure_training_cost",
        "Time and memory of a few training steps, for Figure 2(b).",
    ),
    "control": Command(
        "judging", "write_control", "Answers of a control contestant, which deserve nothing."
    ),
    "judge": Command("judging", "judge_answers", "A judge's verdicts on a policy's answers."),
    "judge-agreement": Command(
        "cli.judge_agreement",
        "judge_agreement",
        "How far a judge agrees with published verdicts, and with itself.",
    ),
    "score-verdicts": Command("metrics", "aggregate_verdicts", "Verdicts to one row per question."),
    "table2": Command("tables", "make_table2", "Table 2."),
    "table1": Command("tables", "make_table1", "Table 1."),
    "table3": Command("tables", "make_table3", "Table 3."),
    "table4": Command("tables", "make_table4", "Table 4."),
    "choose": Command("tables", "choose_settings", "A method's settings, chosen among its trials."),
    "halve": Command("tables", "halve_trials", "The better half of a method's trials, to go on."),
    "search-table": Command(
        "tables", "make_search_table", "Every trial of a search, and what was chosen."
    ),
    "join table2": Command("tables", "join_table2", "Tables 2 of several base models."),
    "join table3": Command("tables", "join_table3", "Tables 3 of several base models."),
    "model-card": Command(
        "report", "make_model_card", "README.md of a trained policy, with its scores."
    ),
    "report": Command("report", "make_report", "A static report; open its index.html."),
    "compare": Command(
        "report", "compare_results", "What differs between two results folders, and what moved."
    ),
    "power": Command(
        "tables", "print_power", "Which differences an experiment finds, and what others need."
    ),
    "publish": Command("cli.publish", "publish", "A trained policy as a folder for the hub."),
    "bundle": Command("cli.bundle", "bundle", "What a paper's appendix needs, as one archive."),
    "import fastchat": Command(
        "cli.import_published", "fastchat", "FastChat's model_judgment/*_single.jsonl."
    ),
    "import arena-hard": Command(
        "cli.import_published", "arena_hard", "Arena-Hard's model_judgment/*.jsonl."
    ),
    "import alpaca-eval": Command(
        "cli.import_published", "alpaca_eval", "AlpacaEval's annotations.json."
    ),
    "plot figure1": Command("figures", "make_figure1", "Loss surfaces and gradient fields."),
    "plot figure2a": Command(
        "figures", "make_figure2a", "Likelihood margin on held-out pairs over training."
    ),
    "plot figure2b": Command(
        "figures", "make_figure2b", "Run time and peak memory of DPO and ASFT."
    ),
    "plot training": Command(
        "figures", "make_figure_training", "Training curves of all methods of one data set."
    ),
    "plot figure3": Command(
        "figures",
        "make_figure3",
        "Case study: the question that the judge rated most differently.",
    ),
    "plot mt-bench": Command("figures", "make_figure_mt_bench", "MT-Bench ratings by category."),
    "plot length": Command(
        "figures", "make_figure_length", "Scores against the length of answers."
    ),
    "plot differences": Command(
        "figures", "make_figure_differences", "Forest plot of all paired differences."
    ),
    "plot refusals": Command(
        "figures", "make_figure_refusals", "Refusals of unsafe prompts against those of safe ones."
    ),
    "plot calibration": Command(
        "figures", "make_figure_calibration", "Accuracy against confidence of choices."
    ),
    "plot search": Command(
        "figures", "make_figure_search", "The trials of a search: score against what was tried."
    ),
    "plot ranks": Command(
        "figures", "make_figure_ranks", "Ranks of the methods against the size of the base model."
    ),
}


def add_commands(app: typer.Typer, words: list[str]) -> None:
    """Add all commands: with its flags the one that `words` call, the others to be listed."""
    groups = {"": app}
    for name, text in GROUPS.items():
        groups[name] = typer.Typer(no_args_is_help=True, help=text)
        app.add_typer(groups[name], name=name)
    for name, row in COMMANDS.items():
        group, _, own = name.rpartition(" ")
        called = words[: len(name.split())] == name.split()
        context = {"ignore_unknown_options": row.passes_on}
        add = groups[group].command(own, help=row.help, context_settings=context)
        add(flags_of(row.load()) if called else _listed)


def flags_of(step: Callable[..., None]) -> Callable[..., None]:
    """Return a function for typer that takes the parameters of `step` as options.

    A parameter annotated with an option or argument of typer's own stays as it is. A named tuple
    that ends in a path is given as `a,b=path`, once or several times; of several seeds as
    `a,1+2=path{seed}`, so that a command does not grow with them.
    """
    texts = _arguments(step.__doc__ or "")
    parameters = [
        parameter.replace(
            annotation=_option(parameter.annotation, texts.get(name)),
            kind=inspect.Parameter.KEYWORD_ONLY,
        )
        for name, parameter in inspect.signature(step, eval_str=True).parameters.items()
    ]

    def command(**flags: Any) -> None:
        step(**{name: _flat(value) for name, value in flags.items()})

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _listed() -> None:
    """Stand for a command that is not the one called."""


def _arguments(docstring: str) -> dict[str, str]:
    """The section `Args:`: parameter → its text on one line."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n|\n)+)", inspect.cleandoc(docstring) + "\n", re.M)
    items = re.split(r"^ {4}(\w+): ", section[1], flags=re.M)[1:] if section else []
    return {name: " ".join(text.split()) for name, text in zip(*[iter(items)] * 2, strict=True)}


def _option(kind: Any, text: str | None) -> Any:
    if get_origin(kind) is Annotated:
        return kind
    inner = kind
    while get_args(inner):  # list[ScoreFile] | None → ScoreFile
        inner = get_args(inner)[0]
    if not hasattr(inner, "_fields"):
        return Annotated[kind, typer.Option(help=text)]
    *labels, path = inner._fields
    form = f"{','.join(labels)}={path}"
    return Annotated[kind, typer.Option(help=text or form, parser=partial(_labelled, inner, form))]


def _flat(value: Any) -> Any:
    """A list of files, of which some texts name several."""
    if not isinstance(value, list):
        return value
    return [file for given in value for file in (given if isinstance(given, list) else [given])]


def _labelled(kind: type[Any], form: str, text: str) -> Any:
    """Read `a,b=path` into a named tuple that ends in a path, `a,1+2=path{seed}` into several."""
    names, _, path = text.partition("=")
    labels = names.split(",")
    *types, _ = get_type_hints(kind).values()
    if not path or len(labels) != len(types):
        raise UserError(f"{text!r}: expected {form}")
    place = kind._fields.index("seed") if "seed" in kind._fields else None
    seeds = [] if place is None else labels[place].split("+")
    try:
        if place is None or len(seeds) == 1:
            return _file(kind, types, labels, path)
        several = [[*labels[:place], seed, *labels[place + 1 :]] for seed in seeds]
        return [
            _file(kind, types, each, path.replace("{seed}", seed))
            for each, seed in zip(several, seeds, strict=True)
        ]
    except ValueError as error:
        raise UserError(f"{text!r}: expected {form} ({error})") from error


def _file(kind: type[Any], types: list[Any], labels: list[str], path: str) -> Any:
    return kind(*(make(label) for make, label in zip(types, labels, strict=True)), Path(path))
