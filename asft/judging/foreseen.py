"""What a judge will be shown, before answers are there: for a plan of its calls and tokens."""

from pathlib import Path
from tempfile import TemporaryDirectory

from asft.config import Judge, judged_protocol
from asft.files import fingerprint, read_jsonl, write_jsonl
from asft.judging.controls import CONTROLS, control_completions
from asft.judging.material import read_material
from asft.judging.protocols import JUDGING
from asft.records import Completion, Message, Question

WORD = " the"  # a token to most tokenizers, and four characters


def foreseen_prompts(
    judge: Judge,
    protocol: str,
    benchmark: Path,
    completions: Path,
    answer_tokens: int,
    with_thinking: bool = False,
) -> tuple[int, dict[str, list[Message]]]:
    """Return the number of calls, and the messages of each prompt by its fingerprint.

    Equal prompts are asked once: the store holds the answer then. A second question after a reply
    without a verdict is not foreseen.

    Args:
        benchmark: folder of the prepared benchmark
        completions: the answers; where the file is not there, those of a control are known anyway,
            and a policy's are stood in for
        answer_tokens: length of an answer that is stood in for

    Raises:
        UserError: a file is unusable.
    """
    judging, facts = JUDGING[protocol], judged_protocol(protocol, benchmark)
    prompts = judging.load_prompts(benchmark / "judge" / facts.prompts)
    whose = ""  # two policies' answers will differ, though what stands in for them does not
    with TemporaryDirectory() as folder:
        if not completions.exists():
            whose = f"{completions}"
            kind = completions.parents[1].name.removeprefix("control_")
            completions = Path(folder) / "completions.jsonl"
            questions = read_jsonl(benchmark / "questions.jsonl", Question)
            write_jsonl(completions, _standing_in(kind, questions, answer_tokens))
        material = read_material(benchmark, facts, prompts, completions, with_thinking)
    calls = judging.calls(material, judge)
    asked = [call for call in calls if material.answers[call.question_id].has_answer(call.turn)]
    blank = []
    if judge.backend == "local" and judge.calibrate is True:
        blank = judging.calls(material.without_content(), judge)
    named = {fingerprint([whose, call.messages, call.repeat]): call.messages for call in asked}
    named |= {fingerprint(["", call.messages, call.repeat]): call.messages for call in blank}
    return len(asked), named


def _standing_in(kind: str, questions: list[Question], tokens: int) -> list[Completion]:
    if kind in CONTROLS:
        return control_completions(kind, questions)
    return [
        Completion(
            question_id=question.question_id,
            turns=[WORD * tokens] * len(question.turns),
            finish_reasons=["length"] * len(question.turns),
            tokens=[tokens] * len(question.turns),
        )
        for question in questions
    ]
