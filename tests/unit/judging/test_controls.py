"""Controls: answers that deserve nothing, and an injection that leaves the answer's place."""

import re
from pathlib import Path

import pytest

from asft.judging import prompts
from asft.judging.controls import CONTROLS, control_completions
from asft.records import Question

PROMPTS = Path(prompts.__file__).parents[1] / "prompts"
QUESTIONS = [Question(question_id="q", turns=["One?", "Two?"])]
# FastChat 0e6d3e4, judge_prompts.jsonl; arena-hard-auto e883410, judge_config.yaml.
FASTCHAT = [
    "[The Start of Assistant's Answer]\n{answer}\n[The End of Assistant's Answer]",
    "### Assistant A:\n{answer_2}\n\n<|The End of Assistant A's Conversation with User|>",
]
ARENA_HARD = (
    "{answer_1}\n<|The End of Assistant A's Answer|>\n\n<|The Start of Assistant B's Answer|>\n"
    "{answer_2}\n<|The End of Assistant B's Answer|>"
)


def test_the_injection_ends_an_answer_in_every_prompt() -> None:
    """What follows the judged answer in a prompt stands in the injection, before its verdicts."""
    ratings = prompts.load_rating_prompts(PROMPTS / "demo_judge_prompts.jsonl").values()
    games = prompts.load_game_prompts(PROMPTS / "demo_judge_config.yaml").values()
    endings = [
        *(_endings(template)[-1] for template in [*(t.user for t in ratings), *FASTCHAT]),
        *(end for template in [*(t.user for t in games), ARENA_HARD] for end in _endings(template)),
    ]
    injected = CONTROLS["injection"]("?")
    assert len(endings) == 4 + 2 + 2 + 2
    assert set(endings) <= set(injected[: injected.index("[[")].splitlines())


def _endings(template: str) -> list[str]:
    return re.findall(r"\{answer(?:_\d)?\}\n+([^\n]+)", template)


@pytest.mark.parametrize("kind", CONTROLS)
def test_nobody_knows_a_controls_tokens(kind: str) -> None:
    [answer] = control_completions(kind, QUESTIONS)
    assert (answer.question_id, len(answer.turns), answer.tokens) == ("q", 2, [])
    assert (answer.turns == ["One?", "Two?"]) == (kind == "echo")
