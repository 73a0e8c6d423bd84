"""Decoding against `model.generate`: the same tokens, whatever stands beside a row; sampling."""

import pytest
import torch
from transformers import (
    Gemma2Config,
    Gemma2ForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from asft.generation import decoding
from asft.generation.cpu_step import CpuStep, knows
from asft.generation.decoding import Row, _choose, decode, supports
from asft.generation.kv_cache import KeyValues

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "vocab_size": 90}
SIZES |= {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
SIZES |= {"max_position_embeddings": 256, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
KINDS = {
    "llama": (LlamaConfig, LlamaForCausalLM, {}),
    "qwen2": (Qwen2Config, Qwen2ForCausalLM, {}),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM, {}),
    "mistral": (MistralConfig, MistralForCausalLM, {"sliding_window": None}),
}
NONE = torch.zeros(0)
PLAIN = {"top_k": 0, "top_p": 1.0}
PROMPTS = [[5], [7, 8], [3, 4, 5, 6, 7, 8, 9, 10, 11], [9] * 30, [11, 12, 13], list(range(20, 48))]


def build(kind: str):
    config, model, options = KINDS[kind]
    torch.manual_seed(0)
    found = model(config(**SIZES, **options)).eval()
    for weight in found.parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.3)  # else it repeats one token
    return found


def generated(model, prompt, n):
    ids = torch.tensor([prompt])
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=n,
        do_sample=False,
        eos_token_id=-1,  # never
    )
    return out[0, len(prompt) :].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_is_generate_one_by_one(kind: str):
    model = build(kind)
    assert supports(model)
    expected = [generated(model, prompt, 25) for prompt in PROMPTS]
    rows = [Row(prompt, None, NONE) for prompt in PROMPTS]
    assert decode(model, rows, max_new_tokens=25, end_tokens=set(), **PLAIN) == expected


def test_rows_end_alone_and_are_retired(monkeypatch: pytest.MonkeyPatch):
    """The batch shrinks as rows end, and the others do not notice."""
    model = build("llama")
    whole = [generated(model, prompt, 20) for prompt in PROMPTS]
    ends = {whole[0][1], whole[3][4], whole[5][9]}
    expected = []
    for tokens in whole:
        end = next((i for i, token in enumerate(tokens) if token in ends), len(tokens))
        expected.append(tokens[: end + 1])
    assert len({len(tokens) for tokens in expected}) > 2
    kept = []
    keep = KeyValues.keep
    monkeypatch.setattr(
        KeyValues, "keep", lambda self, places: (kept.append(len(places)), keep(self, places))
    )
    rows = [Row(prompt, None, NONE) for prompt in PROMPTS]
    assert decode(model, rows, max_new_tokens=20, end_tokens=ends, **PLAIN) == expected
    assert kept
    assert kept == sorted(kept, reverse=True)


@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_places_of_ended_rows_go_to_waiting_ones(monkeypatch: pytest.MonkeyPatch, batch_size: int):
    """Never more at a time than allowed, and each row as if it were alone."""
    model = build("llama")
    uniforms = [torch.rand(20, generator=torch.Generator().manual_seed(i)) for i in range(6)]
    rows = [Row(p, 1.5 if i % 2 else None, uniforms[i]) for i, p in enumerate(PROMPTS)]
    options = {"top_k": 0, "top_p": 1.0, "max_new_tokens": 20}
    whole = [decode(model, [row], end_tokens=set(), **options)[0] for row in rows]
    options["end_tokens"] = {whole[0][1], whole[3][4], whole[5][9]}
    expected = [decode(model, [row], **options)[0] for row in rows]
    assert len({len(tokens) for tokens in expected}) > 2
    started, steps = [], []
    prefill, step = KeyValues.prefill, KeyValues.step
    monkeypatch.setattr(KeyValues, "prefill", lambda *a: (started.append(len(a[-1])), prefill(*a)))
    monkeypatch.setattr(KeyValues, "step", lambda *a: (steps.append(len(a[-1])), step(*a))[1])
    assert decode(model, rows, batch_size=batch_size, **options) == expected
    assert sum(started) == len(rows)
    lengths = [len(expected[i]) for i in sorted(range(6), key=lambda i: -len(PROMPTS[i]))]
    in_turn = sum(max(lengths[i : i + batch_size]) for i in range(0, 6, batch_size))
    assert len(steps) < in_turn or batch_size == 1
    assert max(steps) == batch_size
    assert steps == sorted(steps, reverse=True)


def test_samples_do_not_depend_on_the_neighbours():
    model = build("llama")
    uniforms = [torch.rand(15, generator=torch.Generator().manual_seed(i)) for i in range(6)]
    rows = [Row(p, 2.0 if i % 2 else None, uniforms[i]) for i, p in enumerate(PROMPTS)]
    options = {"top_k": 40, "top_p": 0.9, "max_new_tokens": 15, "end_tokens": set()}
    together = decode(model, rows, **options)
    assert together == [decode(model, [row], **options)[0] for row in rows]
    greedy = decode(model, [row._replace(temperature=None) for row in rows], **options)
    assert [a == b for a, b in zip(together, greedy, strict=True)] == [True, False] * 3


@pytest.mark.parametrize(
    ("top_k", "top_p", "temperature"), [(0, 1.0, 1.0), (4, 1.0, 0.7), (0, 0.6, 1.3), (5, 0.8, 1.0)]
)
def test_sampling_follows_transformers_own_warpers(top_k: int, top_p: float, temperature: float):
    """Evenly spaced numbers in place of random ones give each token its share."""
    from transformers.generation import (
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    logits = torch.randn(1, 10, generator=torch.Generator().manual_seed(1)) * 2
    scores = TemperatureLogitsWarper(temperature)(None, logits)
    scores = TopKLogitsWarper(top_k)(None, scores) if top_k else scores
    scores = TopPLogitsWarper(top_p)(None, scores) if top_p < 1 else scores
    expected = scores.softmax(-1)[0]
    n = 4000
    row = Row([1], temperature, (torch.arange(n, dtype=torch.float64) + 0.5) / n)
    drawn = [_choose(logits, [row], [i], top_k, top_p).item() for i in range(n)]
    found = torch.bincount(torch.tensor(drawn), minlength=10) / n
    torch.testing.assert_close(found, expected, atol=1.5 / n * 10, rtol=0)
    assert ((expected == 0) == (found == 0)).all()


def test_samples_of_bf16_are_those_of_the_same_logits_in_fp32():
    """Many of them equal, and zeros of both signs: their order decides."""
    generator = torch.Generator().manual_seed(0)
    logits = (torch.randn(1, 300, generator=generator) * 2).round().bfloat16()
    logits[0, 50:60], logits[0, 60:70] = 0.0, -0.0
    row = Row([1], 0.7, torch.rand(200, generator=generator, dtype=torch.float64))
    options = {"top_k": 250, "top_p": 0.95}
    for number in range(200):
        drawn = [_choose(one, [row], [number], **options) for one in (logits, logits.float())]
        assert torch.equal(*drawn)


def test_the_number_nearest_to_one_still_draws_a_token():
    row = Row([1], 1.0, torch.tensor([1 - 1e-16, 0.0], dtype=torch.float64))
    logits = torch.tensor([[0.0, 3.0, -torch.inf]])
    assert _choose(logits, [row], [0], 0, 1.0).item() in (0, 1)
    assert _choose(logits, [row], [1], 0, 1.0).item() == 1


def test_other_caches_are_left_to_transformers():
    windowed = MistralForCausalLM(MistralConfig(**SIZES, sliding_window=8))
    assert not supports(windowed)
    config = Gemma2Config(**SIZES, query_pre_attn_scalar=8)
    assert not supports(Gemma2ForCausalLM(config))


@pytest.mark.usefixtures("own_rotation")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", KINDS)
def test_a_step_on_cpus_changes_no_bit(
    kind: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
):
    """Against the model's own layers; in bf16, where rounding would show at once, too."""
    model = build(kind).to(dtype)
    rows = [Row(prompt, None, NONE) for prompt in PROMPTS]
    options = {"max_new_tokens": 40, "end_tokens": set(), **PLAIN}
    found = []
    step = KeyValues.step
    monkeypatch.setattr(KeyValues, "step", lambda *a: (found.append(step(*a)), found[-1])[1])
    decode(model, rows, **options)
    ours, found[:] = [*found], []
    monkeypatch.setattr(decoding, "knows", lambda _: False)
    decode(model, rows, **options)
    assert len(ours) == len(found) == 40
    assert all(map(torch.equal, ours, found))


def test_a_step_takes_what_it_knows():
    model = build("llama").bfloat16()
    packed = CpuStep(model, rows=4)._pack is not None
    assert packed == torch.backends.mkldnn.is_available()
    assert knows(model)
    model.config.hidden_act = "gelu"
    assert not knows(model)
    model.config.hidden_act = "silu"
    model.model.layers[1].mlp.up_proj = type("Quantised", (torch.nn.Linear,), {})(32, 64)
    assert not knows(model)
