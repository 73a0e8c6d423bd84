"""A benchmark of lm-evaluation-harness: its tasks, and how they are put to a policy."""

from typing import Literal

from pydantic import Field

from asft.config.fields import Distinct, Precision, Section

OWN_TASKS = "asft/demo/abilities"  # written for this project
# Metrics of asft/abilities/refusals.py: of safe prompts and of unsafe ones.
REFUSALS = ("safe_answered", "unsafe_declined")


class Abilities(Section):
    """Tasks that lm-evaluation-harness asks and scores itself, all in one job of a policy."""

    protocol: Literal["lm_eval"] = Field(
        description="Protocol that scores the answers: lm_eval, tasks of lm-evaluation-harness."
    )
    tasks: Distinct[str] = Field(
        min_length=1,
        description="Tasks or groups of tasks by lm-evaluation-harness's names (gsm8k, mmlu), or "
        "YAML files of one's own: paths that end in .yaml, from the working folder or asft/.",
    )
    chat_template: bool = Field(
        description="Whether prompts are put into the policy's chat template, few-shot examples as "
        "turns before; it changes every number, so tables say which."
    )
    num_fewshot: int | None = Field(
        None,
        ge=0,
        description="Number of worked examples before each question; null takes each task's own.",
    )
    limit: int | None = Field(
        None, gt=0, description="Number of questions of each task, its first; null asks all."
    )
    batch_size: int = Field(
        16,
        gt=0,
        description="Number of requests computed together; in bf16 another number gives other last "
        "digits.",
    )
    precision: Precision = "auto"
    unsafe_code: bool = Field(
        False,
        description="Whether tasks may run code that the policy wrote (humaneval, mbpp), on this "
        "machine and unprotected.",
    )
