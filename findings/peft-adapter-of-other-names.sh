#!/usr/bin/env bash
# peft 0.21.2: an adapter none of whose weights fit is loaded, and the model answers as without it.
#
# Guess: an adapter that was trained on `AutoModel` (an embedding model, a reward model's body) does not
# fit `AutoModelForCausalLM` of the same checkpoint, whose layers have one name more before them, so
# `PeftModel.from_pretrained` raises, as transformers' and torch's loading of other shapes do.
# Seen: a warning of missing keys; the adapter's fresh B matrices are 0, so all logits are those of the
# base, to the bit, and `merge_and_unload` gives the base policy under the adapter's name.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet peft==0.21.2 transformers==5.23.0 torch==2.13.0
env/bin/python - <<'PY'
import warnings

import peft
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModel, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

assert peft.__version__ == "0.21.2", peft.__version__
torch.manual_seed(0)
LlamaForCausalLM(
    LlamaConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4
    )
).save_pretrained("base")
body = get_peft_model(AutoModel.from_pretrained("base"), LoraConfig(r=4, target_modules=["q_proj"]))
for name, weight in body.named_parameters():
    if "lora_" in name:
        torch.nn.init.normal_(weight)
body.save_pretrained("adapter")

ids = torch.arange(2, 12)[None]
base = AutoModelForCausalLM.from_pretrained("base").eval()
with torch.no_grad():
    expected = base(ids).logits
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    adapted = PeftModel.from_pretrained(base, "adapter").eval()
with torch.no_grad():
    found = adapted(ids).logits
said = [str(w.message)[:60] for w in warned if "missing adapter keys" in str(w.message)]
print("equal to the base:", torch.equal(found, expected), "| warned:", said)
assert torch.equal(found, expected)
assert said
PY
