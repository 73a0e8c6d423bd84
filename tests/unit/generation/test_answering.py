"""Generation: batches change nothing, longest prompts come first, every end token ends."""

import pytest
import torch
from small_questions import GREEDY, QUESTIONS, SAMPLED
from transformers import GPT2Config, GPT2LMHeadModel

from asft.errors import UserError
from asft.generation import answering
from asft.generation.answering import _check_length, answer_share, shares
from asft.models.folders import load_tokenizer
from asft.models.loading import end_token_ids, load_policy
from asft.records import Question

TWO_TURNS = [Question(question_id=f"t{i}", turns=["Say it" * (i + 1), "Again"]) for i in range(3)]


@pytest.fixture(scope="module")
def policy(tiny):
    model = load_policy(tiny, torch.float32).eval()
    torch.manual_seed(1)  # with its own small weights it repeats one token
    for weight in model.parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.3)
    return model, load_tokenizer(tiny)


def answers(policy, questions, decoding, batch_size, ends=None, seed=3):
    model, tokenizer = policy
    ends = set(end_token_ids(model, tokenizer) if ends is None else ends)
    found = {}
    for share in shares(questions, tokenizer, batch_size):
        decodings = [decoding] * len(share)
        for completion in answer_share(model, tokenizer, share, decodings, ends, seed, batch_size):
            found[completion.question_id] = completion
    return found


@pytest.mark.parametrize("questions", [QUESTIONS, TWO_TURNS])
def test_greedy_answers_do_not_depend_on_the_batch(policy, questions):
    alone = answers(policy, questions, GREEDY, 1)
    assert answers(policy, questions, GREEDY, 4) == alone
    assert all(len(c.turns) == len(questions[0].turns) for c in alone.values())


@pytest.mark.parametrize("supported", [True, False])
def test_the_progress_bar_is_told_of_every_answer_as_it_ends(policy, monkeypatch, supported):
    monkeypatch.setattr(answering, "supports", lambda model: supported)
    told = []
    decodings = [GREEDY] * len(TWO_TURNS)
    list(answer_share(*policy, TWO_TURNS, decodings, set(), 3, 2, told.append))
    assert sum(told) == 2 * len(TWO_TURNS)
    assert max(told) <= 2  # answered at a time


def test_longest_prompts_come_first_whatever_the_file_order(policy):
    tokenizer = policy[1]
    order = [q.question_id for share in shares(QUESTIONS, tokenizer, 3) for q in share]
    assert order == ["6", "5", "4", "3", "2", "1", "0"]
    again = [q.question_id for share in shares(QUESTIONS[::-1], tokenizer, 3) for q in share]
    assert again == order


def test_sampling_follows_the_seed(policy):
    first = answers(policy, QUESTIONS, SAMPLED, 4)
    assert answers(policy, QUESTIONS, SAMPLED, 4) == first
    assert answers(policy, QUESTIONS, SAMPLED, 4, seed=4) != first


def test_any_end_token_ends_an_answer(policy):
    model, tokenizer = policy
    plain = answers(policy, QUESTIONS, GREEDY, 1)["3"]
    assert plain.finish_reasons == ["length"]
    assert plain.tokens == [10]
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": QUESTIONS[3].turns[0]}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    out = model.generate(**prompt, max_new_tokens=10, do_sample=False)
    ids = out[0, prompt["input_ids"].shape[1] :].tolist()
    # Take the token generated third as a second end token, as Llama 3 has two.
    third = next(t for i, t in enumerate(ids) if i >= 2 and t not in ids[:i])
    at = ids.index(third)
    ends = [*end_token_ids(model, tokenizer), third]
    ended = answers(policy, QUESTIONS, GREEDY, 4, ends=ends)["3"]
    assert ended.finish_reasons == ["stop"]
    assert ended.tokens == [at + 1]
    assert ended.turns[0] == tokenizer.decode(ids[:at], skip_special_tokens=True).strip()


def test_an_answer_beyond_learnt_positions_is_refused_before_it_begins():
    """GPT-2 and its like have no vector there; others only were not trained on so many."""
    config = GPT2Config(vocab_size=300, n_positions=24, n_embd=8, n_layer=1, n_head=1)
    model = GPT2LMHeadModel(config)
    _check_length([1] * 4, model, "q", 20)
    with pytest.raises(UserError, match=r"'q': its prompt has 5 tokens.* 20, .* 24 positions"):
        _check_length([1] * 5, model, "q", 20)


@pytest.mark.parametrize(
    ("said", "opening", "text"),
    [
        ("<think> hm so </think> It is 4", "", "It is 4"),
        ("hm so \n</think> It is 4", "<think>", "It is 4"),
        ("hm so on and", "<think>", ""),  # cut off inside the thinking that the prompt began
        ("It is 4", "", "It is 4"),
    ],
)
def test_thinking_is_apart_from_the_answer(policy, said, opening, text):
    tokenizer = policy[1]
    row = tokenizer.encode(said, add_special_tokens=False)
    answer = answering._cut(row, tokenizer, set(), opening)
    assert answer.text == text
    assert bool(answer.thinking_tokens) == bool(answer.thinking)
    assert answer.tokens == len(row)
    assert answer.thinking + answer.text == opening + said


def test_marks_of_thinking_that_are_control_tokens_are_read(tiny):
    """As in Magistral: other control tokens stay out of the text, as ever."""
    tokenizer = load_tokenizer(tiny)
    tokenizer.add_tokens(["[THINK]", "[/THINK]"], special_tokens=True)
    row = tokenizer.encode("[THINK]hm[/THINK]It is 4", add_special_tokens=False)
    answer = answering._cut([*row, tokenizer.eos_token_id], tokenizer, set())
    assert (answer.thinking, answer.text) == ("[THINK]hm[/THINK]", "It is 4")
