"""Answers as text, those of several policies below one another."""

from collections.abc import Mapping, Sequence

from asft.records import Completion, Question


def all_said(questions: Sequence[Question], answers: Mapping[str, Sequence[Completion]]) -> str:
    """Return prompts with their answers; of several policies each answer has its policy's name.

    Args:
        answers: by the policy's name, in the order of the questions
    """
    parts = []
    for number, question in enumerate(questions):
        parts.append("\n".join(f"> {line}" for line in question.turns[0].split("\n")))
        for name, completions in answers.items():
            parts.append(said(completions[number], name if len(answers) > 1 else ""))
    return "\n\n".join(parts)


def said(completion: Completion, name: str = "") -> str:
    """Return one answer, without what was thought before it; […] where it was cut."""
    cut = " […]" if completion.finish_reasons == ["length"] else ""
    return "\n".join([f"[{name}]"] * bool(name) + [completion.turns[0] + cut])
