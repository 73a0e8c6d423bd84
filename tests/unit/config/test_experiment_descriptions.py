"""What an editor shows beside a key of the config: a phrase that can be read by itself."""

import pytest

from asft.config import Config

SCHEMA = Config.model_json_schema()
SECTIONS = SCHEMA["$defs"] | {"Config": SCHEMA}


def described(node):
    """The node's own description, or that of the section it refers to, as editors show them."""
    if "description" not in node and "$ref" in node:
        return SECTIONS[node["$ref"].rpartition("/")[2]]["description"]
    return node.get("description", "")


KEYS = {
    f"{section}.{key}": described(node)
    for section, schema in SECTIONS.items()
    for key, node in schema["properties"].items()
}
TEXTS = KEYS | {name: described(schema) for name, schema in SECTIONS.items()}


@pytest.mark.parametrize("name", TEXTS)
def test_every_key_and_section_has_a_phrase_that_stands_alone(name):
    text = TEXTS[name]
    assert len(text.split()) >= 4, f"{name}: {text!r} says too little"
    whole = text[0].isupper() and text.endswith(".")
    assert whole, f"{name}: {text!r} does not begin as a sentence and end with a full stop"
