"""A benchmark of lm-evaluation-harness: its tasks, and how they are put to a policy."""

from typing import Literal

from pydantic import Field

from asft.config.fields import Distinct, Name, Precision, Section

OWN_TASKS = "asft/demo/abilities"  # written for this project
# Metrics of asft/abilities/refusals.py: of safe prompts and of unsafe ones.
REFUSALS = ("safe_answered", "unsafe_declined")
PARTLY = ("safe_partly_declined", "unsafe_partly_declined")  # a judge's alone
JUDGED = "judge "  # begins the filter of numbers by a judge in Table 4; its name follows


class JudgedRefusals(Section):
    """A judge that says of answers to safe and unsafe prompts whether they comply or decline."""

    judge: Name = Field(
        description="Name in `judges` of the one that classifies each answer: full compliance, full"
        " refusal or partial refusal, as XSTest does."
    )
    prompts: str = Field(
        "asft/prompts/refusal_judge.yaml",
        description="Path of the judge's prompt, from the working folder or asft/: YAML with the"
        " keys system_prompt and prompt_template, which shows {question} and {answer}.",
    )


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
    # Left out of what rules print where there is none: a key more would ask all questions again.
    refusals: JudgedRefusals | None = Field(
        None,
        exclude_if=lambda judged: judged is None,
        description="Judge of answers to safe and unsafe prompts, beside the words that they begin "
        "with; null goes by the words alone.",
    )
