"""A judge in the config: which model gives verdicts, and by which rules they are read."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from asft.config.agreement import Agreement
from asft.config.fields import MaxAttempts, MaxWait, Precision, Share, Threads
from asft.config.prices import Prices, Spending, known_prices
from asft.config.protocols import PROTOCOLS
from asft.errors import UserError


class Judge(Spending):
    """A model that gives verdicts on answers, and the rules by which they are read.

    `openai`: any OpenAI-compatible server. `local`: a model of the catalogue that scores the
    allowed verdicts by log-probability; a rating is then the expected value, a label the most
    likely one. `reward_model`: a sequence classifier of the catalogue, of two answers the one with
    the higher reward.
    """

    backend: Literal["openai", "local", "reward_model"] = Field(
        description="What judges: openai is any OpenAI-compatible server, local a model of `models`"
        " that scores the allowed verdicts by log-probability, reward_model one of them with a "
        "scalar output, which compares two answers."
    )
    model: str = Field(
        description="Name of the judge's model: the server's name for it, or a name in `models` if "
        "`backend` is local or reward_model."
    )
    base_url: str = Field(
        "https://api.openai.com/v1",
        description="URL of the server's API if `backend` is openai, for example "
        "http://localhost:8000/v1.",
    )
    api_key_env: str | None = Field(
        None,
        description="Name of the environment variable that holds the server's API key, never the "
        "key itself; null for a server that needs none.",
    )
    headers_env: dict[str, str] = Field(
        default={},
        exclude_if=lambda headers: not headers,
        description="Names of environment variables that hold the values of further headers, by "
        "the header's name, for example {x-api-key: MY_KEY}; values never stand here.",
    )
    parameters: dict[str, Any] = Field(
        default={"temperature": 0, "max_tokens": 2048},
        description="Parameters that are sent to the server as they are, with every request: any "
        "JSON, also nested. null leaves out what a config below an overlay sets, and "
        "max_completion_tokens takes the place of max_tokens.",
    )
    protocol: Literal["paper", "hardened"] = Field(
        "paper",
        description="How prompts are filled and verdicts read: paper follows upstream, hardened "
        "neutralises answers, reads the last line alone and checks the range.",
    )
    behind_thinking: bool = Field(
        False,
        exclude_if=lambda behind: not behind,
        description="Whether protocol paper reads verdicts behind a judge's thinking, as hardened "
        "always does; if not, in all of its words, as upstream, and the verdict says where that "
        "differs.",
    )
    repeats: int = Field(
        1,
        ge=1,
        description="Number of times that each question is asked; more than 1 where a judge's "
        "answers vary.",
    )
    concurrency: int = Field(
        16, ge=1, description="Number of calls that the server is sent at the same time."
    )
    timeout_s: float = Field(
        300,
        gt=0,
        description="Longest time in seconds that one whole reply of the server may take.",
    )
    max_attempts: MaxAttempts = 6
    max_wait_s: MaxWait = Field(120, exclude_if=lambda wait: wait == 120)
    backoff_s: float = Field(
        1,
        ge=0,
        exclude_if=lambda wait: wait == 1,
        description="Wait in seconds before a second attempt where the server names none, at most; "
        "it doubles with each attempt.",
    )
    max_missing: Share = Field(
        0.0,
        description="Largest share of calls, from 0 to 1, that may stay without an answer; with "
        "more the job stops, and a rerun asks for what is missing. Calls that were never asked are "
        "none of them: a run that was stopped is not finished.",
    )
    precision: Precision = "auto"
    threads: Threads = None
    calibrate: bool | Literal["orders"] = Field(
        False,
        description="What a local judge's probability of each verdict is divided by, since small "
        "models have favourites: true, the one it has when question and answers say N/A (arXiv "
        "2102.09690); orders, its mean over both orders of the answers it compares in a job (arXiv "
        "2309.17249), which takes a taste for a place away and nothing else; false, nothing.",
    )
    # Left out of what rules print where there is none: a key more would judge everything again.
    agreement: Agreement | None = Field(
        None,
        exclude_if=lambda agreement: agreement is None,
        description="Published verdicts on other answers, by which the judge is measured: how "
        "often it agrees stands in Table 2 and the report. null measures nothing.",
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
        if not all(name.isidentifier() for name in self.headers_env.values()):
            raise ValueError("headers_env must hold names of environment variables")
        return self

    @model_validator(mode="after")
    def _limit_can_be_kept(self) -> "Judge":
        if self.max_cost is None:
            return self
        if self.backend != "openai":
            raise ValueError(f"max_cost: a {self.backend} judge costs no money; remove it")
        if self.known_prices() is None:
            raise ValueError(
                f"max_cost: needs the prices of {self.model!r} at {self.base_url}, which are"
                " unknown; add `prices: {input: …, output: …}`, in USD per million tokens"
            )
        return self

    def with_spending(self, spending: str | None) -> "Judge":
        """Return it with the keys of `Spending` in a JSON object; None leaves it as it is."""
        if spending is None:
            return self
        given = Spending.model_validate_json(spending)
        return Judge.model_validate({**self.model_dump(), **given.model_dump()})

    @property
    def secrets(self) -> tuple[str, ...]:
        """The environment variables whose values may be shown nowhere."""
        key = (self.api_key_env,) if self.api_key_env else ()
        return (*key, *self.headers_env.values())

    def known_prices(self) -> Prices | None:
        """Return the prices of a server's tokens: its own, else the table's; None if unknown."""
        return self.prices or known_prices(self.model, self.base_url)


def check_judge(judge: Judge, protocol: str, name: str) -> None:
    """Refuse a judge of two answers where a protocol, or the judging of refusals, shows one.

    Raises:
        UserError: names the judge's key, and what to give it.
    """
    if protocol in PROTOCOLS and PROTOCOLS[protocol].pairwise:
        return
    if judge.backend == "reward_model":
        raise UserError(
            f"config: judges.{name}: a reward model compares two answers, and {protocol} rates"
            " single ones; name another judge"
        )
    if judge.calibrate == "orders":
        raise UserError(
            f"config: judges.{name}.calibrate: orders needs two answers in both orders, and"
            f" {protocol} shows one at a time; true, or a judge of its own"
        )
