#!/usr/bin/env bash
# transformers 5.23.0: a chat template's clock cannot be given by the caller.
#
# Templates such as Llama 3.2's write today's date by calling `strftime_now`. Other names that a
# template reads (`date_string`, `enable_thinking`) are given as keyword arguments of
# apply_chat_template, and win over what transformers defines.
# Guess: so does `strftime_now`, and a fixed function makes prompts the same on every day.
# Seen: values that are no plain JSON are replaced by a text that names their type before the
# template is rendered, so the template calls a string: TypeError: 'str' object is not callable.
# A keyword that is plain JSON wins as expected. What remains is the compiled template's own
# globals, which are private.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet transformers==5.23.0 tokenizers==0.23.3 jinja2==3.1.6
env/bin/python - <<'PY'
import transformers
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

def rendered(template, **given):
    words = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, chat_template=template)
    talk = [{"role": "user", "content": "Hi"}]
    return tokenizer.apply_chat_template(talk, tokenize=False, **given)

assert transformers.__version__ == "5.23.0", transformers.__version__
assert rendered("{{ date_string }}", date_string="26 Jul 2024") == "26 Jul 2024"
try:
    found = rendered("{{ strftime_now('%Y') }}", strftime_now=lambda form: "2024")
except TypeError as error:
    print("seen: TypeError:", error)
    assert "'str' object is not callable" in str(error)
else:
    raise SystemExit(f"changed: the caller's clock was used: {found!r}")
PY
