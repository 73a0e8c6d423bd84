"""A random model of 0.1 million parameters that trains in seconds: for tests, and nothing else.

Writes safetensors, tokenizer and chat template; the same seed gives the same bytes.
By hand: python -m asft.models.tiny OUT
"""

import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

END = "<|im_end|>"
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content']"
    " + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SENTENCES = [
    "How do I bake bread? Mix flour, water, salt and yeast, let the dough rise, then bake it.",
    "What is the capital of France? The capital of France is Paris.",
    "I am sorry, but I cannot help with that request. Is there something else you would like?",
    "Give three tips for staying healthy. Eat well, sleep enough and take a walk every day.",
    "user assistant system The answer to the question is that there are two of these in the list.",
]


def tiny_model(out: Path, seed: int = 0) -> None:
    """Write to `out` a random Llama: 2 layers, 4 heads (2 key-value), width 64, 435 tokens."""
    tokenizer = _tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)


def _tokenizer() -> PreTrainedTokenizerFast:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=["<|im_start|>", END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(SENTENCES, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe, eos_token=END, pad_token=END, chat_template=CHATML
    )


if __name__ == "__main__":
    tiny_model(Path(sys.argv[1]))
