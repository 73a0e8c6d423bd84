#!/usr/bin/env bash
# transformers 5.23.0: a GenerationConfig that is passed whole is filled up from the model's own.
#
# Guess: `model.generate(ids, generation_config=GenerationConfig(do_sample=False, …))` decodes by
# that config and by no other: what it does not name has the library's default.
# Seen: what it leaves unset is taken from `model.generation_config`. A checkpoint that ships a
# repetition penalty (Qwen2.5's do), suppressed tokens or a minimum length keeps them, and greedy
# answers differ from those of a decoder that was told the same settings.
# Remedy: give the model a blank config of its own first.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet transformers==5.23.0 torch==2.13.0
env/bin/python - <<'PY'
import torch
import transformers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

assert transformers.__version__ == "5.23.0", transformers.__version__
torch.manual_seed(0)
sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
model = LlamaForCausalLM(LlamaConfig(vocab_size=64, eos_token_id=1, pad_token_id=1, **sizes)).eval()
asked = GenerationConfig(do_sample=False, max_new_tokens=12, eos_token_id=1, pad_token_id=1)

def answer(**own):
    model.generation_config = GenerationConfig(eos_token_id=1, pad_token_id=1, **own)
    return model.generate(torch.tensor([[2, 3, 4]]), generation_config=asked)[0].tolist()

plain, penalised = answer(), answer(repetition_penalty=5.0)
print("asked for the same, the model's own config blank:  ", plain)
print("asked for the same, its own repetition penalty 5.0:", penalised)
assert plain != penalised, "changed: the model's own penalty is no longer taken up"
PY
