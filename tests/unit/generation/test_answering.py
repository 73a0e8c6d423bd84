"""Generation: batches change nothing, every end token ends, a killed run continues."""

import json

import pytest
import torch

from asft.config.generation import Decoding, Generation
from asft.files import read_jsonl, write_jsonl
from asft.generation import answering
from asft.generation.answering import answer_share, shares
from asft.generation.generate import decoding_of, generate_answers
from asft.models.folders import load_tokenizer
from asft.models.loading import end_token_ids, load_policy
from asft.records import Completion, Question

GREEDY = Decoding(max_new_tokens=10)
SAMPLED = Decoding(do_sample=True, temperature=0.9, top_p=0.9, top_k=20, max_new_tokens=10)
QUESTIONS = [
    Question(question_id=str(i), turns=["Count to " + " ".join(map(str, range(i + 1)))])
    for i in range(7)
]
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


def run_step(tiny, folder, seed=0, decoding=GREEDY):
    questions, out = folder / "questions.jsonl", folder / "out.jsonl"
    write_jsonl(questions, QUESTIONS)
    generation = Generation(batch_size=2, precision="fp32")
    settings = {"decoding": decoding.model_dump(), "generation": generation.model_dump()}
    generate_answers(json.dumps(settings), tiny, questions, out, seed)
    return out


class Killed(Exception):
    """Stands for a kill in the middle."""


@pytest.mark.parametrize("decoding", [GREEDY, SAMPLED])
def test_a_killed_run_continues_where_it_stopped(tiny, tmp_path, monkeypatch, decoding):
    monkeypatch.setattr(answering, "_SHARE", 1)
    whole = run_step(tiny, (tmp_path / "a"), decoding=decoding).read_bytes()
    asked = []

    def dying(model, tokenizer, share, *rest):
        if len(asked) == 2:
            raise Killed
        asked.append(share)
        return answer_share(model, tokenizer, share, *rest)

    folder = tmp_path / "b"
    monkeypatch.setattr(answering, "answer_share", dying)
    with pytest.raises(Killed):
        run_step(tiny, folder, decoding=decoding)
    partial = folder / "out.partial"
    with partial.open("a") as file:
        file.write('{"question_id": "cut sho')  # a line cut by the kill
    rest = []

    def counting(model, tokenizer, share, *more):
        rest.append(share)
        return answer_share(model, tokenizer, share, *more)

    monkeypatch.setattr(answering, "answer_share", counting)
    assert run_step(tiny, folder, decoding=decoding).read_bytes() == whole
    assert len(rest) == 2  # of four shares
    assert not partial.exists()


def test_partial_answers_to_something_else_are_not_used(tiny, tmp_path, monkeypatch):
    out = run_step(tiny, tmp_path)
    partial = tmp_path / "out.partial"
    stale = [Completion(question_id="0", turns=["stale"], finish_reasons=["stop"], tokens=[1])]
    partial.write_text("another key\n" + stale[0].model_dump_json() + "\n")
    again = read_jsonl(run_step(tiny, tmp_path), Completion)
    assert again[0].turns != ["stale"]
    assert [c.question_id for c in again] == [q.question_id for q in QUESTIONS]
    assert out.exists()


def test_temperatures_of_categories():
    """FastChat's table where it is given: 0.7 for a category that it does not name."""
    settings = {"decoding": {"max_new_tokens": 9}, "temperatures": {"math": 0, "stem": 0.1}}
    found = {
        category: decoding_of(Question(question_id="q", category=category, turns=["?"]), table)
        for category, table in [
            *((name, settings) for name in ("math", "stem", "gardening")),
            ("plain", settings | {"temperatures": {}}),
        ]
    }
    assert {name: d.do_sample for name, d in found.items()} == {
        **{"math": False, "stem": True, "gardening": True, "plain": False},
    }
    assert (found["stem"].temperature, found["gardening"].temperature) == (0.1, 0.7)
    assert {d.max_new_tokens for d in found.values()} == {9}
