"""What a local judge computes once for several prompts: against passes over whole texts."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from asft.judging import local_row
from asft.judging.calls import Call
from asft.judging.local import LocalJudge
from asft.judging.local_alike import beginnings, cuts
from asft.judging.local_row import SharedKeys
from asft.judging.prompts import Template, render
from asft.models.folders import load_tokenizer
from asft.models.loading import load_reader
from asft.records import Message

SIZES = {
    **{"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 8},
    **{"num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3},
    **{"vocab_size": 435, "max_position_embeddings": 512, "eos_token_id": 1, "pad_token_id": 1},
}
MANY = {
    **{"rope_type": "longrope", "rope_theta": 10_000.0, "factor": 8.0},
    **{"short_factor": [1.0] * 4, "long_factor": [4.0] * 4},
    "original_max_position_embeddings": 60,
}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("llama", {}),
    "transformers'": ("gemma", {}),
    "windows": ("mistral", {"sliding_window": 40}),
    "positions by length": ("llama", {"rope_parameters": MANY}),
}
ENDINGS = [[6, 7, 8], [6, 7, 9, 2], [6, 5], [4]]


def saved(name: str, tiny: Path, folder: Path) -> Path:
    kind, more = KINDS[name]
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **SIZES | more)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    load_tokenizer(tiny).save_pretrained(folder)
    return folder


def alone(model: Any, prompt: list[int]) -> torch.Tensor:
    found = []
    for ending in ENDINGS:
        with torch.inference_mode():
            logps = model(torch.tensor([prompt + ending])).logits[0].log_softmax(-1)
        found.append(logps[range(len(prompt) - 1, len(prompt + ending) - 1), ending].sum())
    return torch.stack(found)


@pytest.mark.parametrize("name", ["plain", "transformers'"])
def test_pieces_are_one_text(
    name: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_reader(saved(name, tiny, tmp_path), torch.float32)
    prompts = torch.randint(2, 435, (2, 90)).tolist()
    prompts[1][:50] = prompts[0][:50]
    keys = SharedKeys(model)
    for longest in (2048, 16):
        monkeypatch.setattr(local_row, "_LONGEST", longest)
        for prompt in prompts:
            for where in ([], [50], [32, 50], [32, 50, 89]):
                with torch.inference_mode():
                    found = torch.stack(keys.logps(prompt, ENDINGS, where))
                torch.testing.assert_close(found, alone(model, prompt), atol=2e-5, rtol=0)


def test_bits_do_not_depend_on_what_was_computed_before(tiny: Path, tmp_path: Path) -> None:
    model = load_reader(saved("plain", tiny, tmp_path), torch.float32)
    start, first, second = torch.randint(2, 435, (3, 45)).tolist()
    asked = [
        ([*start, *first, *second], [45, 90]),
        ([*start, *first, *first, *second], [45, 90]),
        ([*start, *second], [45]),
        ([*start, *first], []),
    ]
    found: list[set[tuple[float, ...]]] = [set() for _ in asked]
    for order in permutations(range(len(asked))):
        keys = SharedKeys(model)
        for number in order:
            with torch.inference_mode():
                sums = keys.logps(asked[number][0], ENDINGS, asked[number][1])
            found[number].add(tuple(map(float, sums)))
    assert [len(bits) for bits in found] == [1] * len(asked)


@pytest.mark.parametrize("name", ["windows", "positions by length"])
def test_models_that_look_at_the_length_get_whole_texts(
    name: str, tiny: Path, tmp_path: Path
) -> None:
    """Longer than a window, or than a text whose positions are turned as they are in short ones."""
    folder = saved(name, tiny, tmp_path)
    judge, tokenizer = LocalJudge(folder, "fp32"), load_tokenizer(folder)
    texts = ["What is the capital of France? " * 5, "Eat well. " * 5]
    messages, alike = ([Message(role="user", content=text)] for text in ("".join(texts), texts[0]))
    scores = judge.score(messages, ["a", "bc", "bd"], [alike])
    prompt = judge._encode(messages)
    assert len(prompt) > 60
    assert cuts(prompt, [judge._encode(alike)])
    sums = []
    for verdict in scores:
        ids = prompt + tokenizer.encode(verdict, add_special_tokens=False)
        with torch.inference_mode():
            logps = judge._model(torch.tensor([ids])).logits[0].log_softmax(-1)
        sums.append(sum(logps[at - 1, ids[at]] for at in range(len(prompt), len(ids))))
    expected = torch.stack(sums).log_softmax(0)
    torch.testing.assert_close(torch.tensor(list(scores.values())), expected, atol=2e-5, rtol=0)


def test_short_pieces_are_no_pieces() -> None:
    prompt = list(range(100))
    assert cuts(prompt, [prompt[:40], [*prompt[:75], 0]]) == [40, 75]
    assert cuts(prompt, [prompt[:40], prompt[:60], prompt[:20], [5]]) == [40]
    assert cuts(prompt, [prompt, [*prompt, 1]]) == []


def test_prompts_begin_like_their_template_and_the_other_game() -> None:
    prompts = {
        "brief": Template("Judge.", "{question}: {answer_1} or {answer_2}?"),
        "long": Template("Judge.", "In {{braces}}: {question}: {answer_1} or {answer_2}?"),
    }

    def call(name: str, question: str, game: Any, *answers: str) -> Call:
        values = {"question": question, "answer_1": answers[0], "answer_2": answers[1]}
        return Call(render(prompts[name], values, "paper"), question, "", 1, game, 0)

    calls = [
        call("brief", "Why", 1, "A", "B"),
        call("long", "Where", 0, "A", "B"),
        call("brief", "Why", 2, "B", "A"),
    ]
    user = [[messages[-1]["content"] for messages in row] for row in beginnings(calls, prompts)]
    assert user == [
        [":  or ?", "Why: B or A?"],
        ["In {braces}: :  or ?"],
        [":  or ?", "Why: A or B?"],
    ]
