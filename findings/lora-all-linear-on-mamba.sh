#!/usr/bin/env bash
# peft 0.21.2: target_modules="all-linear" picks a layer of Mamba models that peft then refuses.
#
# Guess: "all-linear" adapts every linear layer that can be adapted, on any architecture.
# Seen: on Mamba (and Falcon-H1, Nemotron-H) it names `out_proj`, whose weight the fused kernels
# read past the layer's forward, and raises ValueError. The other linear layers (in_proj, x_proj,
# dt_proj) are taken when they are named one by one.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet transformers==5.23.0 torch==2.13.0 peft==0.21.2
env/bin/python - <<'PY'
import peft
from peft import LoraConfig, get_peft_model
from transformers import MambaConfig, MambaForCausalLM

assert peft.__version__ == "0.21.2", peft.__version__
config = MambaConfig(vocab_size=64, hidden_size=32, num_hidden_layers=2, state_size=4)

def adapted(modules):
    lora = LoraConfig(r=2, target_modules=modules, task_type="CAUSAL_LM")
    return get_peft_model(MambaForCausalLM(config), lora)

named = adapted(["in_proj", "x_proj", "dt_proj"])
assert sum(p.requires_grad for p in named.parameters()) > 0
try:
    adapted("all-linear")
except ValueError as error:
    print("seen: ValueError:", error)
    assert "out_proj" in str(error)
else:
    raise SystemExit("changed: all-linear is taken")
PY
