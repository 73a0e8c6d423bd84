"""A policy that training may start from reads the base policy's tokens, or is refused."""

import json

import pytest

from asft.config.data import Model
from asft.errors import UserError
from asft.models.fetch_model import import_model
from asft.models.same_tokens import refuse_other_tokens


@pytest.fixture
def folders(tmp_path):
    base, theirs = tmp_path / "base", tmp_path / "theirs"
    for folder in (base, theirs):
        import_model(Model(sources=[{"random": 0}]), folder)
    return base, theirs


def changed(folder, change):
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_more_tokens_than_the_base_policy_has_are_no_matter(folders):
    refuse_other_tokens(*folders)
    extra = {"special": True, "single_word": False, "lstrip": False, "rstrip": False}
    added = {"id": 5000, "content": "<|more|>", "normalized": False, **extra}
    changed(folders[1], lambda tokenizer: tokenizer["added_tokens"].append(added))
    refuse_other_tokens(*folders)
    with pytest.raises(UserError, match=r"not that of theirs .1 tokens, such as '<\|more\|>'"):
        refuse_other_tokens(*reversed(folders))


def test_words_cut_in_another_way_are_refused(folders):
    lower = {"type": "Lowercase"}
    changed(folders[1], lambda tokenizer: tokenizer.update(normalizer=lower))
    with pytest.raises(UserError, match=r"policy theirs: .* base .how it cuts words.* `model`"):
        refuse_other_tokens(*folders)


def test_another_chat_template_is_refused(folders):
    (folders[1] / "chat_template.jinja").write_text("{{ messages[0].content }}")
    with pytest.raises(UserError, match=r"policies.theirs.chat_template"):
        refuse_other_tokens(*folders)
