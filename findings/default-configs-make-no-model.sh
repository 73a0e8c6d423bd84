#!/usr/bin/env bash
# transformers 5.23.0: the default configs of Nemotron, DBRX, dots.llm1 and Cohere Compass make no model.
#
# Guess: as their documentation says, a config without arguments is one similar to a released model,
# so a model can be made of it.
# Seen: sizes that the model divides by, or looks up, are None or missing: a TypeError, an
# AttributeError, a KeyError from the constructor. Released checkpoints name them, so it shows when
# a model of that kind is made small for a test.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet transformers==5.23.0 torch==2.13.0
env/bin/python - <<'PY'
import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM

assert transformers.__version__ == "5.23.0", transformers.__version__
found = {}
for kind in ("llama", "nemotron", "dbrx", "dots1", "cohere_compass_text"):
    try:
        with torch.device("meta"):
            AutoModelForCausalLM.from_config(AutoConfig.for_model(kind))
        found[kind] = "made"
    except (TypeError, AttributeError, KeyError) as error:
        found[kind] = f"{type(error).__name__}: {error}"
    print(kind, found[kind], sep="\t")
assert found["llama"] == "made", found
assert found["nemotron"].startswith("TypeError: unsupported operand"), found
assert found["dbrx"].endswith("has no attribute 'rope_theta'"), found
assert found["dots1"].startswith("TypeError"), found
assert found["cohere_compass_text"] == "KeyError: 'full_attention'", found
PY
