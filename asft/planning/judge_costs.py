"""What judges will be asked: calls, tokens and money, judge by judge."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from asft.config import Benchmark, Judge
from asft.data import encode_prompt
from asft.files import read_jsonl
from asft.judging import foreseen_prompts, judge_cost
from asft.models import load_tokenizer
from asft.planning.arithmetic import FORWARD, Speed, inference_bytes, judging_seconds
from asft.planning.dry_run import Job
from asft.planning.facts import Facts
from asft.planning.job_costs import Cost
from asft.planning.pair_counts import CHARACTERS, text_tokens
from asft.records import Message, Verdict


@dataclass
class JudgeLine:
    """One judge: what it will be asked in all, and how sure that is."""

    judge: str
    model: str
    calls: int = 0
    prompts: dict[str, float] = field(default_factory=dict)  # the tokens of each
    output: float | None = 0.0  # tokens that it will write; None: unknown
    money: float | str | None = None  # USD; "local": none; None: unknown
    unknown_jobs: int = 0  # whose questions or answers nobody knows yet
    counted: bool = True  # by the judge's own tokenizer, on answers that are there

    @property
    def tokens(self) -> float:
        """The tokens that it reads."""
        return sum(self.prompts.values())


class Judges:
    """The judges of jobs that are still to run; each prompt counts once, as the store asks it."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.lines: dict[str, JudgeLine] = {}
        self._tokenizers: dict[str, Any] = {}
        self._written: dict[Path, list[float]] = {}

    def cost_of(self, job: Job) -> Cost:
        """Add what a job of rule judge asks to its judge's line, and return what the job takes."""
        judge, flags = Judge.model_validate_json(job.flags["settings"]), job.flags
        name = Path(flags["out"]).stem
        here = None if judge.backend == "openai" else "local"
        line = self.lines.setdefault(name, JudgeLine(name, judge.model, money=here))
        answers = self._facts.answers(flags["benchmark"], self._most(flags["benchmark"]))
        folder = self._facts.benchmark(flags["benchmark"])
        if folder is None or answers is None:
            line.unknown_jobs += 1
            return Cost(None, None)
        completions = Path(flags["completions"])
        mean = round(answers.new / answers.turns)
        thinking = "with-thinking" in flags
        calls, prompts = foreseen_prompts(
            judge, flags["protocol"], folder, completions, mean, thinking
        )
        line.calls += calls
        tokenizer = self._tokenizer(flags.get("judge-model", ""))
        sizes = {key: _tokens(text, tokenizer) for key, text in prompts.items()}
        new = sum(size for key, size in sizes.items() if key not in line.prompts)
        line.prompts |= sizes
        is_control = completions.parents[1].name.startswith("control_")
        line.counted &= tokenizer is not None and (is_control or completions.exists())
        if here is None:
            self._add_output(line, judge, calls, flags)
            return Cost(None, None)
        size = self._facts.parameters(flags["judge-model"])
        seconds = judging_seconds(FORWARD * size * new, Speed(job.threads, job.gpus))
        longest = max(sizes.values(), default=0.0)
        memory = inference_bytes(size, longest, gpu=bool(job.gpus), copies=1)
        return Cost(seconds, memory, counted=line.counted)

    def _most(self, benchmark: str) -> int:
        asked = self._facts.config_of(benchmark).benchmarks[Path(benchmark).name]
        return asked.decoding.max_new_tokens if isinstance(asked, Benchmark) else 0

    def _tokenizer(self, folder: str) -> Any:
        """The judge's own, where its model is here; else None."""
        if folder not in self._tokenizers:
            there = bool(folder) and (Path(folder) / "card.json").is_file()
            self._tokenizers[folder] = load_tokenizer(Path(folder)) if there else None
        return self._tokenizers[folder]

    def _add_output(
        self, line: JudgeLine, judge: Judge, calls: int, flags: Mapping[str, str]
    ) -> None:
        """What it wrote here before says how much it writes; else at most what it may write."""
        runs = _runs(Path(flags["out"]))
        if runs / line.judge not in self._written:
            self._written[runs / line.judge] = _written(runs, line.judge)
        wrote = self._written[runs / line.judge]
        most = judge.parameters.get("max_tokens", judge.parameters.get("max_completion_tokens"))
        each = fmean(wrote) if wrote else most
        if each is None or line.output is None:
            line.output = None
        else:
            line.output += calls * each
        line.counted = False
        line.money = None
        if line.output is not None:
            line.money = judge_cost(judge, line.tokens, line.output)


def _tokens(messages: Sequence[Message], tokenizer: Any) -> float:
    if tokenizer is None:
        return text_tokens(list(messages))
    return float(len(encode_prompt(list(messages), tokenizer)))


def _runs(verdicts: Path) -> Path:
    """The folder `runs` that verdicts lie in."""
    return next((p for p in verdicts.parents if p.name == "runs"), verdicts.parent)


def _written(runs: Path, judge: str) -> list[float]:
    """Tokens of each reply of a judge that any verdicts here hold, estimated from characters."""
    rows: Iterable[Verdict] = (
        row
        for path in sorted(runs.glob(f"**/verdicts/*/{judge}.jsonl"))
        for row in read_jsonl(path, Verdict)
    )
    texts = [text for row in rows for text in (*row.judgments, *row.thinking)]
    return [len(text) / CHARACTERS for text in texts if text]
