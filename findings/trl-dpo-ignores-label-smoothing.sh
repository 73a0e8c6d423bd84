#!/usr/bin/env bash
# TRL 1.16.0: DPOTrainer takes `label_smoothing` with the default loss and ignores it without a word.
#
# Guess: as in conservative DPO, loss_type "sigmoid" with label_smoothing e is
# (1 - e) times the loss plus e times that of the flipped pair; or a warning says that it is not.
# Seen: the loss with 0.4 is that with 0.0, to the last bit, and nothing is logged. "robust" beside it
# does change. Conservative DPO cannot be had from this trainer.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv env
env/bin/pip install --quiet trl==1.16.0 transformers==5.23.0 torch==2.13.0
HF_HUB_OFFLINE=1 env/bin/python - <<'PY'
import logging

import torch
import trl
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import DPOConfig, DPOTrainer

assert trl.__version__ == "1.16.0", trl.__version__
warned = []
logging.getLogger("trl").addFilter(lambda record: warned.append(record.getMessage()) or True)
words = ["<pad>", "<eos>", "why", "because", "so", "it", "is", "perhaps", "not"]
core = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, unk_token="<pad>"))
core.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")
rows = Dataset.from_list(
    [{"prompt": "why ", "chosen": "because it is", "rejected": "perhaps not so"}] * 2
)


def model(seed):
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, initializer_range=1.0, pad_token_id=0, bos_token_id=1, eos_token_id=1,
        )
    )


def loss(kind, smoothing):
    arguments = DPOConfig(
        output_dir="out", loss_type=[kind], label_smoothing=smoothing, beta=0.5, use_cpu=True, bf16=False,
        report_to="none", per_device_eval_batch_size=2,
    )
    trainer = DPOTrainer(
        model(0), ref_model=model(1), args=arguments, train_dataset=rows, eval_dataset=rows,
        processing_class=tokenizer,
    )
    return trainer.evaluate()["eval_loss"]


found = {(kind, e): loss(kind, e) for kind in ("sigmoid", "robust") for e in (0.0, 0.4)}
print(found)
plain = torch.tensor(found["sigmoid", 0.0])
margin = -torch.log(torch.expm1(plain))  # plain = -log sigmoid(margin)
conservative = float(0.6 * plain - 0.4 * torch.nn.functional.logsigmoid(-margin))
print("conservative DPO would be", conservative)
assert abs(conservative - found["sigmoid", 0.0]) > 0.01
assert found["sigmoid", 0.4] == found["sigmoid", 0.0]
assert found["robust", 0.4] != found["robust", 0.0]
assert not [line for line in warned if "smooth" in line], warned
PY
