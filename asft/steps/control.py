"""The answers of a control contestant, in place of a policy's.

Reads  <results>/benchmarks/{benchmark}/questions.jsonl
Writes <results>/runs/control_{kind}/completions/{benchmark}.jsonl
By hand: asft control --kind null --questions FILE --out FILE
"""

from pathlib import Path

from asft.controls import control_completions
from asft.records import Question, read_jsonl, write_jsonl


def control(kind: str, questions: Path, out: Path) -> None:
    """Write one control's completions."""
    write_jsonl(out, control_completions(kind, read_jsonl(questions, Question)))
