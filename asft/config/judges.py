"""One row of `judges:` in the config."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from asft.config.fields import Section, Share, Threads


class Judge(Section):
    """Who judges, and by which rules verdicts are read.

    `openai`: any OpenAI-compatible server. `local`: a model of the catalogue that scores the
    allowed verdicts by log-probability; a rating is then the expected value, a label the most
    likely one.
    """

    backend: Literal["openai", "local"]
    model: str = Field(description="openai: the server's name for it; local: a name in `models`")
    base_url: str = Field(
        "https://api.openai.com/v1",
        description="openai: where the server is, e.g. http://localhost:8000/v1",
    )
    api_key_env: str | None = Field(
        None, description="openai: the environment variable that holds the key, never the key"
    )
    parameters: dict[str, float | int | str] = Field(
        default={"temperature": 0, "max_tokens": 2048}, description="openai: sent as they are"
    )
    protocol: Literal["paper", "hardened"] = Field(
        "paper",
        description="paper: prompts and parsing as upstream; hardened: answers neutralised, "
        "verdict on the last line, range checked",
    )
    repeats: int = Field(1, ge=1, description="ask each question so often, where answers vary")
    concurrency: int = Field(16, ge=1, description="openai: calls at once")
    timeout_s: float = Field(300, gt=0, description="openai: for one whole reply")
    max_attempts: int = Field(6, ge=1, description="openai: per call")
    max_missing: Share = Field(
        0.0, description="go on without answers to this share of the calls; 0: stop and rerun"
    )
    precision: Literal["auto", "bf16", "fp32"] = Field("auto", description="local")
    threads: Threads = None
    calibrate: bool = Field(
        False,
        description="local: divide each verdict's probability by the one that the judge gives it "
        "when question and answers say N/A (arXiv 2102.09690): a small model has favourites",
    )

    @field_validator("base_url")
    @classmethod
    def _has_a_scheme(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"must begin with http:// or https:// (given: {url!r})")
        return url

    @model_validator(mode="after")
    def _no_keys(self) -> "Judge":
        if self.api_key_env and not self.api_key_env.isidentifier():
            raise ValueError("api_key_env must be the name of an environment variable")
        return self
