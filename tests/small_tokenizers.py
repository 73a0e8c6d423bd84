"""Tokenizers of a few hundred tokens, made in milliseconds, in the manner of well-known models."""

from functools import cache

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

TEXTS = [
    "Hello there, how are you today? I am well, thank you.",
    "The sky is blue because air scatters blue light. Hello, hello world!",
    "system user assistant Yes. No. Maybe so.\n\nOne two three four five six.",
]
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA3 = (
    "{% for m in messages %}{% if loop.first %}{{ bos_token }}{% endif %}"
    "<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n{{ m['content'] | trim }}<|eot_id|>"
    "{% endfor %}{% if add_generation_prompt %}"
    "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
ZEPHYR = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)


@cache
def _byte_level(special: tuple[str, ...]) -> str:
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(special), initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(TEXTS, trainer)
    return bpe.to_str()


def chatml(template: str | None = CHATML) -> PreTrainedTokenizerFast:
    """Like SmolLM2 and Qwen: no BOS is added, the end token pads."""
    bpe = Tokenizer.from_str(_byte_level(("<|endoftext|>", "<|im_start|>", "<|im_end|>")))
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, eos_token="<|im_end|>", pad_token="<|im_end|>", chat_template=template
    )


def llama3(template: str | None = LLAMA3) -> PreTrainedTokenizerFast:
    """Like Llama 3: tokenizer and template both put a BOS; a turn does not end with eos."""
    special = ("<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>")
    bpe = Tokenizer.from_str(_byte_level((*special, "<|start_header_id|>", "<|end_header_id|>")))
    bpe.post_processor = processors.TemplateProcessing(
        single="<|begin_of_text|> $A", special_tokens=[("<|begin_of_text|>", 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token=special[0], eos_token=special[1], chat_template=template
    )


def sentencepiece() -> PreTrainedTokenizerFast:
    """Like Llama 2 and Mistral: a space is put before any text that is encoded."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    bpe.decoder = decoders.Metaspace(prepend_scheme="first", split=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=["\n", "|", "<", ">"],
        show_progress=False,
    )
    bpe.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<s>", eos_token="</s>", chat_template=ZEPHYR
    )
