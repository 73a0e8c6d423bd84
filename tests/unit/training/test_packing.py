"""Packed rows compute what separate sequences would, and nothing else."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, LlamaConfig, LlamaForCausalLM

from asft.data.tokens import TokenPair
from asft.errors import UserError
from asft.training import attention
from asft.training.attention import flash, flex  # noqa: F401 - flex registers itself
from asft.training.attention.choose import implementation
from asft.training.attention.names import FLASH_ATTENTION, FLEX_ATTENTION, PAIR_ATTENTION
from asft.training.attention.pairs import attend_by_pairs
from asft.training.logps import token_logps
from asft.training.packing import MULTIPLE, pack
from asft.training.pair_logps import pair_logps

VOCABULARY = 97


def random_pairs(lengths, seed=0):
    rng = np.random.default_rng(seed)
    draw = [[rng.integers(0, VOCABULARY, n, dtype=np.int32) for n in row] for row in lengths]
    return [TokenPair(f"p{i}", *row) for i, row in enumerate(draw)]


def tiny(attention):
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.3,
        attn_implementation=attention,
    )
    return LlamaForCausalLM(config).eval()


def separate(model, prompt, completion):
    """Summed log-probability of a completion as its own, unpacked sequence."""
    ids = torch.from_numpy(np.r_[prompt, completion]).long()[None]
    logps = model(ids).logits[0, :-1].log_softmax(-1)
    return logps.gather(-1, ids[0, 1:, None])[len(prompt) - 1 :].sum()


@pytest.fixture(params=["one block", "blocks", "long pairs", "pair by pair"], autouse=True)
def attention_path(request, monkeypatch):
    """Every test runs with all ways to attend."""
    if request.param in ("blocks", "long pairs"):
        monkeypatch.setattr(attention.blocks, "QUERIES", 3)
    if request.param == "long pairs":  # whose weights are computed again backwards
        monkeypatch.setattr(attention.blocks, "KEPT_UP_TO", 0)
    if request.param == "pair by pair":  # as on GPUs
        monkeypatch.setattr(attention.pairs, "attend_in_blocks", attend_by_pairs)


LENGTHS = [(5, 7, 3), (1, 1, 9), (12, 4, 4), (3, 8, 1)]


def test_packed_equals_separate_sequences():
    packed, plain = tiny(PAIR_ATTENTION), tiny("sdpa")
    pairs = random_pairs(LENGTHS)
    (row,) = pack(pairs, 1000, with_prompt=True)
    out = pair_logps(packed, row)
    for i, pair in enumerate(pairs):
        expected = [separate(plain, pair.prompt, c) for c in (pair.chosen, pair.rejected)]
        torch.testing.assert_close(out.chosen.sum[i], expected[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(out.rejected.sum[i], expected[1], atol=1e-5, rtol=1e-5)
        assert out.chosen.tokens[i] == len(pair.chosen)
        assert out.rejected.tokens[i] == len(pair.rejected)
        if len(pair.prompt) > 1:
            start = separate(plain, pair.prompt[:1], pair.prompt[1:])
            torch.testing.assert_close(out.prompt.sum[i], start, atol=1e-5, rtol=1e-5)


def gradient(model, rows, sign=(1.0, -0.7)):
    model.zero_grad()
    for row in rows:
        out = pair_logps(model, row)
        (sign[0] * out.chosen.mean + sign[1] * out.rejected.mean).sum().backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def test_packed_gradient_equals_that_of_separate_sequences():
    packed, plain = tiny(PAIR_ATTENTION), tiny("sdpa")
    pairs = random_pairs(LENGTHS)
    for pair in pairs:
        loss = separate(plain, pair.prompt, pair.chosen) / len(pair.chosen)
        loss = loss - 0.7 * separate(plain, pair.prompt, pair.rejected) / len(pair.rejected)
        loss.backward()
    expected = torch.cat([p.grad.flatten() for p in plain.parameters()])
    torch.testing.assert_close(gradient(packed, pack(pairs, 1000)), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("budget", [1, 20, 40])
def test_gradient_does_not_depend_on_the_rows(budget):
    model, pairs = tiny(PAIR_ATTENTION), random_pairs(LENGTHS)
    whole = gradient(model, pack(pairs, 1000))
    rows = pack(pairs, budget)
    assert len(rows) > 1
    torch.testing.assert_close(gradient(model, rows), whole, atol=1e-5, rtol=1e-4)


def test_rejected_does_not_see_chosen_nor_another_pair():
    model = tiny(PAIR_ATTENTION)
    pairs = random_pairs(LENGTHS)
    before = pair_logps(model, pack(pairs, 1000)[0])
    changed = pairs[0]._replace(chosen=(pairs[0].chosen + 1) % VOCABULARY)
    after = pair_logps(model, pack([changed, *pairs[1:]], 1000)[0])
    assert not torch.equal(before.chosen.sum[0], after.chosen.sum[0])
    assert torch.equal(before.rejected.sum, after.rejected.sum)
    assert torch.equal(before.chosen.sum[1:], after.chosen.sum[1:])


def test_unpaired_rows_leave_rejected_out():
    model = tiny(PAIR_ATTENTION)
    pairs = random_pairs(LENGTHS)
    (row,) = pack(pairs, 1000, paired=False)
    assert row["tokens"] == sum(p + c for p, c, _ in LENGTHS)
    out, full = pair_logps(model, row), pair_logps(model, pack(pairs, 1000)[0])
    torch.testing.assert_close(out.chosen.sum, full.chosen.sum)
    assert out.rejected.tokens.eq(0).all()


sizes = st.integers(1, 12)


@given(st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=8), st.integers(1, 60))
def test_every_token_of_every_pair_exactly_once(lengths, budget):
    pairs = random_pairs(lengths)
    rows = pack(pairs, budget)
    assert [i for row in rows for i in row["ids"]] == [pair.id for pair in pairs]
    laid = torch.cat([row["input_ids"][0, : row["tokens"]] for row in rows]).numpy()
    np.testing.assert_array_equal(laid, np.concatenate([np.concatenate(p[1:4]) for p in pairs]))
    for row in rows:
        assert row["input_ids"].shape[1] <= budget or len(row["ids"]) == 1
        assert 0 <= row["input_ids"].shape[1] - row["tokens"] < MULTIPLE
        assert row["input_ids"].shape[1] % MULTIPLE == 0
    targets = torch.cat([row["targets"] for row in rows]).numpy()
    scored = np.concatenate([np.r_[p.chosen, p.rejected] for p in pairs])
    np.testing.assert_array_equal(np.sort(targets), np.sort(scored))


def test_token_logps_equals_log_softmax_in_value_and_gradient():
    torch.manual_seed(0)
    logits = torch.randn(700, 50, requires_grad=True)
    targets, weight = torch.randint(50, (700,)), torch.randn(700)
    ours = token_logps(logits * 1, targets)  # a copy: it is written over
    (ours * weight).sum().backward()
    grad, logits.grad = logits.grad, None
    theirs = logits.log_softmax(-1).gather(-1, targets[:, None])[:, 0]
    (theirs * weight).sum().backward()
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(grad, logits.grad)


@pytest.mark.parametrize("with_prompt", [False, True])
def test_flex_attention_gives_what_attention_by_pairs_gives(with_prompt):
    """In values: on CPUs, torch has no backward pass of it."""
    found = []
    for name in (PAIR_ATTENTION, FLEX_ATTENTION):
        model = tiny(name)
        rows = pack(random_pairs(LENGTHS), 40, with_prompt=with_prompt)
        with torch.no_grad():
            values = [part.sum for row in rows for part in pair_logps(model, row)[:3]]
        found.append(torch.cat(values))
    torch.testing.assert_close(found[1], found[0], atol=1e-5, rtol=1e-5)


def plain_varlen(q, k, v, query_starts, key_starts, most_q, most_k, *, scale, window_size, **_):
    """What the kernel of GPUs computes: sequence by sequence, the mask aligned to their ends."""
    assert window_size == (-1, 0)
    assert (query_starts.diff().max(), key_starts.diff().max()) == (most_q, most_k)
    found = []
    for (a, b), (c, d) in zip(
        pairwise(query_starts.tolist()), pairwise(key_starts.tolist()), strict=True
    ):
        mask = torch.ones(b - a, d - c, dtype=torch.bool).tril(d - c - (b - a))
        parts = (x.transpose(0, 1) for x in (q[a:b], k[c:d], v[c:d]))
        out = scaled_dot_product_attention(*parts, attn_mask=mask, scale=scale, enable_gqa=True)
        found.append(out.transpose(0, 1))
    return torch.cat(found)


@pytest.mark.parametrize("paired", [True, False])
def test_flash_attention_gives_what_attention_by_pairs_gives(paired, monkeypatch):
    """Which queries and keys the kernel gets; the kernel itself: tests/gpu."""
    monkeypatch.setattr(flash, "varlen_attn", plain_varlen)
    found = []
    for name in (PAIR_ATTENTION, FLASH_ATTENTION):
        model = tiny(name)
        rows = pack(random_pairs(LENGTHS), 40, paired=paired, with_prompt=True)
        values = torch.cat([part.sum for row in rows for part in pair_logps(model, row)[:3]])
        (values * torch.randn(len(values), generator=torch.manual_seed(3))).sum().backward()
        found.append([values, *(weight.grad for weight in model.parameters())])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("attention", [FLEX_ATTENTION, FLASH_ATTENTION])
def test_kernels_refuse_what_their_mask_does_not_know(attention):
    call = AttentionInterface()[attention]
    x = torch.zeros(1, 2, 4, 8)
    with pytest.raises(ValueError, match="no dropout"):
        call(torch.nn.Module(), x, x, x, None, spans=[(0, 1, 2, 1)], dropout=0.1)
    with pytest.raises(ValueError, match="no sliding window"):
        call(torch.nn.Module(), x, x, x, None, spans=[(0, 1, 2, 1)], sliding_window=2)


def test_kernels_of_gpus_are_refused_elsewhere(monkeypatch):
    cpu, cuda = torch.device("cpu"), torch.device("cuda", 0)
    half, full = torch.bfloat16, torch.float32
    for wanted in ("flash", "flex"):
        with pytest.raises(UserError, match="needs a CUDA GPU"):
            implementation(wanted, cpu, half)
    assert implementation("auto", cpu, half) == PAIR_ATTENTION
    assert implementation("flex", cuda, half) == FLEX_ATTENTION
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    assert implementation("flash", cuda, half) == FLASH_ATTENTION
    assert implementation("auto", cuda, half) == FLASH_ATTENTION
    assert implementation("auto", cuda, full) == PAIR_ATTENTION
    with pytest.raises(UserError, match=r"flash needs training\.precision: bf16"):
        implementation("flash", cuda, full)
    monkeypatch.setattr(attention.choose, "find_spec", lambda name: None)
    assert implementation("auto", cuda, half) == PAIR_ATTENTION
    with pytest.raises(UserError, match=r"flash needs torch 2\.10"):
        implementation("flash", cuda, half)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert implementation("auto", cuda, half) == PAIR_ATTENTION
    with pytest.raises(UserError, match="Ampere"):
        implementation("flash", cuda, half)
