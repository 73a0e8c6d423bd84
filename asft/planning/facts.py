"""What the files of an experiment and the commands of its jobs say of the work that is to do."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import yaml

from asft.config import Benchmark, Config, Dataset, Model
from asft.data import is_here, write_benchmark
from asft.files import read_jsonl
from asft.planning.arithmetic import PairTokens
from asft.planning.dry_run import Job
from asft.planning.pair_counts import CHARACTERS, count_tokens, estimate_tokens
from asft.records import Completion, Question


class Answers(NamedTuple):
    """Answers to a benchmark by one policy: tokens of all prompts and of all answers."""

    turns: int
    prompt: float
    new: float
    measured: bool  # the lengths are those of other answers here


class Facts:
    """An experiment's jobs, with what their files and settings say; each is read once.

    Args:
        jobs: all jobs of the DAG, those that are done too
        configs: of the experiment, or of each base model's
        scratch: an empty folder, for benchmarks that are not prepared yet
    """

    def __init__(self, jobs: Iterable[Job], configs: Sequence[Config], scratch: Path) -> None:
        self._jobs = list(jobs)
        self._configs = sorted(configs, key=lambda config: -len(config.results))
        self._scratch = scratch
        self._tokens: dict[str, PairTokens | None] = {}
        self._benchmarks: dict[str, Path | None] = {}
        self._answers: dict[tuple[str, int], Answers | None] = {}

    def config_of(self, path: str) -> Config:
        """Return the config whose results a path lies in."""
        inside = (c for c in self._configs if Path(path).is_relative_to(c.results))
        return next(inside, self._configs[0])

    def parameters(self, policy: str) -> float:
        """Return the parameters of a policy or judge by its folder, as the config says."""
        config, path = self.config_of(policy), Path(policy)
        models: Mapping[str, Model] = config.models | config.policies
        name = path.name if path.parent.name == "models" else config.model
        found = models.get(name, models[config.model])
        base = models.get(getattr(found, "adapter_of", None) or name, found)
        return base.billion_parameters * 1e9

    @cached_property
    def _by_step(self) -> dict[str, list[Job]]:
        found: dict[str, list[Job]] = {}
        for job in self._jobs:
            found.setdefault(job.step, []).append(job)
        return found

    def run(self, settings: str) -> dict[str, Any] | None:
        """Return what a training run is told: by its settings' job, else by their file."""
        for job in self._by_step.get("settings", ()):
            if job.flags.get("out") == settings:
                found: dict[str, Any] = json.loads(job.flags["run"])
                return found
        path = Path(settings)
        return yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else None

    def pairs(self, tokens: str) -> PairTokens | None:
        """Return a data set's tokens, by its folder `tokens`; None where nobody knows yet."""
        if tokens not in self._tokens:
            self._tokens[tokens] = self._pairs(Path(tokens))
        return self._tokens[tokens]

    def _pairs(self, tokens: Path) -> PairTokens | None:
        if (tokens / "pairs.parquet").is_file():
            return count_tokens(tokens)
        for job in self._by_step.get("prepare-dataset", ()):
            if Path(job.flags["out"]) == tokens.parent:
                told = json.loads(job.flags["settings"])
                dataset = Dataset.model_validate(told["dataset"])
                return estimate_tokens(dataset, job.flags["name"], told["tokens"]["max_length"])
        return None

    def benchmark(self, folder: str) -> Path | None:
        """Return a prepared benchmark: as it lies there, else prepared apart from local sources."""
        if folder not in self._benchmarks:
            self._benchmarks[folder] = self._benchmark(Path(folder))
        return self._benchmarks[folder]

    def _benchmark(self, folder: Path) -> Path | None:
        if (folder / "questions.jsonl").is_file():
            return folder
        for job in self._by_step.get("prepare-benchmark", ()):
            if Path(job.flags["out"]) == folder and _is_local(job.flags["settings"]):
                apart = self._scratch / f"{len(self._benchmarks)}"
                apart.mkdir()
                write_benchmark(job.flags["settings"], job.flags["name"], apart)
                return apart
        return None

    def answers(self, folder: str, most: int) -> Answers | None:
        """Return what a policy reads and writes for a benchmark's answers; None: nobody knows yet.

        Args:
            folder: of the benchmark
            most: `max_new_tokens`
        """
        if (folder, most) not in self._answers:
            self._answers[folder, most] = self._answers_to(folder, most)
        return self._answers[folder, most]

    def _answers_to(self, folder: str, most: int) -> Answers | None:
        prepared = self.benchmark(folder)
        if prepared is None:
            return None
        questions = read_jsonl(prepared / "questions.jsonl", Question)
        asked = sum(len(question.turns) for question in questions)
        lengths = self._measured_lengths(Path(folder))
        gold = [min(most, len(q.references[0]) / CHARACTERS) for q in questions if q.references]
        new = fmean(lengths) if lengths else fmean(gold) if gold else float(most)
        # Of a conversation each turn is read with all before it.
        prompt = sum(
            len("".join(question.turns[: turn + 1])) / CHARACTERS + turn * new
            for question in questions
            for turn in range(len(question.turns))
        )
        return Answers(asked, prompt, asked * new, bool(lengths))

    def _measured_lengths(self, folder: Path) -> list[int]:
        """Tokens of the answers to a benchmark that any policy has given here."""
        runs = folder.parents[1] / "runs"
        files = sorted(runs.glob(f"**/completions/{folder.name}.jsonl"))
        rows = [row for path in files for row in read_jsonl(path, Completion)]
        return [count for row in rows for count in row.tokens if count]


def _is_local(settings: str) -> bool:
    """Whether a benchmark can be prepared without a download."""
    benchmark = Benchmark.model_validate_json(settings)
    parts = ("sources", "prompts", "system_prompts", "references", "baseline")
    sources = [list(getattr(benchmark, part))[:1] for part in parts]
    return all(is_here(source) for part in sources for source in part)
