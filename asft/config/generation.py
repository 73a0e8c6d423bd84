"""How answers are produced: `generation:` and each benchmark's `decoding:` in the config."""

from typing import Literal

from pydantic import Field

from asft.config.fields import Section, Threads


class Decoding(Section):
    """How completions are sampled."""

    do_sample: bool = Field(False, description="false: greedy")
    temperature: float = Field(1.0, gt=0)
    top_p: float = Field(1.0, gt=0, le=1)
    top_k: int = Field(0, ge=0, description="0: no limit")
    max_new_tokens: int = Field(128, gt=0)


class Server(Section):
    """An OpenAI-compatible server that is started for each policy, asked, and stopped."""

    command: str = Field(
        "vllm serve {policy} --served-model-name policy --host {host} --port {port}"
        " --generation-config vllm",
        description="{policy}, {host} and {port} are filled in; ready when /health answers 200",
    )
    model: str = Field("policy", description="its name for the policy; {policy}: the folder")
    ready_s: float = Field(900, gt=0, description="how long it may take to start")
    concurrency: int = Field(64, ge=1, description="questions at once")
    timeout_s: float = Field(900, gt=0, description="for one answer")


class Generation(Section):
    """How answers are produced; the sampling itself belongs to the benchmark."""

    backend: Literal["transformers", "openai"] = Field(
        "transformers", description="openai: by a server (`server`), such as vLLM's"
    )
    server: Server = Field(default_factory=Server)
    batch_size: int = Field(16, gt=0)
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    threads: Threads = None
    processes: int = Field(1, ge=1, description="that share the questions, each with its threads")
