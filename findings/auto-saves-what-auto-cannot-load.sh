#!/usr/bin/env bash
# transformers 5.23.0: for Mllama and Emu3, AutoModelForCausalLM makes and saves a model that
# AutoModelForCausalLM cannot load.
#
# Guess: what `AutoModelForCausalLM.from_config(config)` makes and `save_pretrained` writes is read by
# `AutoModelForCausalLM.from_pretrained`; both kinds are in its table.
# Seen: the model is made of the composite config's part for text, that part is what is saved, and its
# model_type is in no table: ValueError "Unrecognized configuration class". The class that wrote the
# folder reads it. Llama's comes back by either.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet transformers==5.23.0 torch==2.13.0
env/bin/python - <<'PY'
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

assert transformers.__version__ == "5.23.0", transformers.__version__
TEXT = {
    "vocab_size": 96, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "pad_token_id": 1,
}
CONFIGS = {
    "llama": TEXT,
    "mllama": {"text_config": TEXT | {"cross_attention_layers": [1]}},
    "emu3": {"text_config": TEXT},
}
found = {}
for kind, sizes in CONFIGS.items():
    made = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes))
    made.save_pretrained(kind)
    type(made).from_pretrained(kind)
    try:
        AutoModelForCausalLM.from_pretrained(kind)
        found[kind] = "loads"
    except ValueError as error:
        found[kind] = str(error).splitlines()[0][:40]
    print(kind, type(made).__name__, made.config.model_type, found[kind], sep="\t")
assert found["llama"] == "loads", found
assert all(found[kind].startswith("Unrecognized configuration class") for kind in ("mllama", "emu3")), found
PY
