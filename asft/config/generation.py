"""How answers are produced: `generation:` and each benchmark's `decoding:` in the config."""

from typing import Any, Literal

from pydantic import Field

from asft.config.fields import MaxAttempts, MaxWait, Precision, Section, Share, Threads


class Decoding(Section):
    """How answers to a benchmark are sampled, the same for every policy."""

    do_sample: bool = Field(
        False, description="Whether tokens are drawn at random; false takes the likeliest (greedy)."
    )
    temperature: float = Field(
        1.0,
        gt=0,
        description="Sampling temperature: below 1 likely tokens become likelier, above 1 less "
        "so. Greedy answers do not depend on it.",
    )
    top_p: float = Field(
        1.0,
        gt=0,
        le=1,
        description="Probability that the likeliest tokens must reach together to be drawn from "
        "alone (nucleus sampling); 1 is no limit.",
    )
    top_k: int = Field(
        0, ge=0, description="Number of likeliest tokens that are drawn from; 0 is no limit."
    )
    max_new_tokens: int = Field(
        128, gt=0, description="Largest number of tokens of one turn's answer, cut there if longer."
    )


class Server(Section):
    """An OpenAI-compatible server that is started for each policy, asked, and stopped."""

    command: str = Field(
        "vllm serve {policy} --served-model-name policy --host {host} --port {port}"
        " --generation-config vllm",
        description="Command that starts the server, with {policy}, {host} and {port} filled in; "
        "the server is ready when /health answers 200.",
    )
    model: str = Field(
        "policy",
        description="Name by which the server knows the policy; {policy} stands for its folder.",
    )
    ready_s: float = Field(
        900, gt=0, description="Longest time in seconds that the server may take to start."
    )
    concurrency: int = Field(
        64, ge=1, description="Number of questions that the server is asked at the same time."
    )
    timeout_s: float = Field(
        900, gt=0, description="Longest time in seconds that one answer may take."
    )
    parameters: dict[str, Any] = Field(
        default={},
        exclude_if=lambda parameters: not parameters,
        description="Parameters that are sent with every request beside those of `decoding`: any "
        "JSON, such as {chat_template_kwargs: {enable_thinking: false}}; null leaves one out.",
    )
    max_attempts: MaxAttempts = Field(6, exclude_if=lambda attempts: attempts == 6)
    max_wait_s: MaxWait = Field(120, exclude_if=lambda wait: wait == 120)
    max_missing: Share = Field(
        0.0,
        exclude_if=lambda share: not share,
        description="Largest share of questions, from 0 to 1, that may have been asked and have no "
        "answer (too long, refused): they are neither scored nor judged. With more the job stops, "
        "as it does where questions were never asked.",
    )


class Generation(Section):
    """What computes the answers; how they are sampled belongs to the benchmark."""

    backend: Literal["transformers", "openai"] = Field(
        "transformers",
        description="What computes the answers: transformers does it in the job itself, openai by "
        "a server that is started for each policy, such as vLLM's.",
    )
    server: Server = Field(
        default_factory=Server, description="Server that answers if `backend` is openai."
    )
    batch_size: int = Field(
        16, gt=0, description="Number of questions answered together; fewer take less memory."
    )
    precision: Precision = "auto"
    threads: Threads = None
    processes: int = Field(
        1,
        ge=1,
        description="Number of processes that share the questions, each with `threads` threads or "
        "a GPU of its own.",
    )
