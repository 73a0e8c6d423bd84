"""The commands of `asft`: a row each, which names the function whose parameters are its flags.

A step is imported when its command is called, not before.
"""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

import typer

from asft.cli.flags import flags_of


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
    "plan": Command(
        "cli.plan",
        "plan",
        "What a run would take: jobs, hours, memory, disk, judges' tokens.",
        True,
    ),
    "doctor": Command(
        "cli.doctor", "doctor", "What a run would meet here: machine, keys, model, tokens.", True
    ),
    "watch": Command(
        "watching", "watch_results", "What is made, and how far each running step is."
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
    "judge-refusals": Command(
        "judging", "judge_refusals", "A judge's word on answers: do they comply, or decline?"
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
    "join table4": Command("tables", "join_table4", "Tables 4 of several base models."),
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


def _listed() -> None:
    """Stand for a command that is not the one called."""
