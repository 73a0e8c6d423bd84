"""The material of a judge's prompts: questions, answers, and the texts beside them."""

from pathlib import Path
from typing import NamedTuple, Self

from asft.config import Protocol
from asft.data import BaselineAnswer, load_reference_answers, require_answers
from asft.files import read_json_rows, read_jsonl
from asft.judging.prompts import Prompts
from asft.records import Completion, Question
from asft.thinking import shown

NOTHING = "N/A"


class Material(NamedTuple):
    """The material of a judge's prompts, by question id; `baseline` is empty without comparison.

    `questions` are a list, `prompts` the judge's templates.
    """

    questions: list[Question]
    answers: dict[str, Completion]
    references: dict[str, list[str]]
    baseline: dict[str, BaselineAnswer]
    prompts: Prompts

    def without_content(self) -> Self:
        """Return the same material about nothing: every text is N/A."""
        questions = [
            q.model_copy(update={"turns": [NOTHING] * len(q.turns)}) for q in self.questions
        ]
        answers = {
            key: answer.model_copy(update={"turns": [NOTHING] * len(answer.turns)})
            for key, answer in self.answers.items()
        }
        references = {key: [NOTHING] * len(turns) for key, turns in self.references.items()}
        baseline = {
            key: answer.model_copy(update={"text": NOTHING})
            for key, answer in self.baseline.items()
        }
        return self._replace(
            questions=questions, answers=answers, references=references, baseline=baseline
        )


def read_material(
    benchmark: Path,
    protocol: Protocol,
    prompts: Prompts,
    completions: Path,
    with_thinking: bool = False,
) -> Material:
    """Read a prepared benchmark and somebody's answers to it.

    Args:
        with_thinking: of answers, references and baseline, what was thought before them too.

    Raises:
        UserError: a file is missing or unusable, or a question has no answer.
    """
    questions = read_jsonl(benchmark / "questions.jsonl", Question)
    answers = {
        c.question_id: c.model_copy(update={"turns": c.texts(with_thinking)})
        for c in read_jsonl(completions, Completion)
    }
    require_answers(answers, questions, f"{completions}")
    path = benchmark / "judge" / "references.jsonl"
    references = load_reference_answers(read_json_rows(path), f"{path}") if path.exists() else {}
    references = {
        key: [shown(turn, with_thinking) for turn in turns] for key, turns in references.items()
    }
    baseline = {}
    if protocol.pairwise:
        path = benchmark / "judge" / "baseline.jsonl"
        baseline = {
            a.question_id: a.model_copy(update={"text": shown(a.text, with_thinking)})
            for a in read_jsonl(path, BaselineAnswer)
        }
        require_answers(baseline, questions, f"{path}")
    return Material(questions, answers, references, baseline, prompts)
