#!/usr/bin/env bash
# transformers 5.23.0: an attention that is registered by AttentionInterface is a KeyError for GPT-J,
# GPT-Neo and Falcon.
#
# Guess: `AttentionInterface.register(name, function)` makes `attn_implementation=name` work for every
# architecture, or an error says which architectures take none.
# Seen: these three look their attention class up in a table of their own, by the name, and raise
# KeyError: 'name' from the constructor; Llama and GPT-2 load.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet transformers==5.23.0 torch==2.13.0
env/bin/python - <<'PY'
import transformers
from transformers import AttentionInterface, AutoConfig, AutoModelForCausalLM
from transformers.integrations.sdpa_attention import sdpa_attention_forward

assert transformers.__version__ == "5.23.0", transformers.__version__
AttentionInterface.register("mine", sdpa_attention_forward)
SIZES = {
    "llama": {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4},
    "gptj": {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4},
    "gpt_neo": {"hidden_size": 32, "num_layers": 2, "num_heads": 4, "attention_types": [[["global"], 2]]},
    "falcon": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4},
}
found = {}
for kind, sizes in SIZES.items():
    config = AutoConfig.for_model(kind, vocab_size=64, **sizes)
    try:
        AutoModelForCausalLM.from_config(config, attn_implementation="mine")
        found[kind] = "loads"
    except KeyError as error:
        found[kind] = f"KeyError: {error}"
print(found)
assert found["llama"] == found["gpt2"] == "loads", found
assert all(found[kind] == "KeyError: 'mine'" for kind in ("gptj", "gpt_neo", "falcon")), found
PY
