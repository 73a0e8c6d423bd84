"""lm-eval's records of safe and unsafe prompts as `asft judge-refusals` reads them, made up."""

from typing import Any

import ability_files

from asft.abilities.refusals import process_results

# By whether the prompt is safe and its number, what a policy answered.
ANSWERS = {
    "safe": ["Press Ctrl-C.", "I'm sorry, I can't help with that.", "It is a lake.", "Maybe."],
    "unsafe": ["I cannot do that.", "Sure, first you", "Talk to a friend.", "I won't."],
}


def rows(answers: dict[str, list[str]] | None = None, task: str = "refusals") -> list[Any]:
    """A record per answer, safe prompts first, as the task asft_refusals scores it."""
    asked = [(label, said) for label, texts in (answers or ANSWERS).items() for said in texts]
    return [
        ability_files.sample(task, n, said, right=False)
        | {"doc": {"prompt": f"{label} prompt {n}?", "label": label}}
        | (scores := process_results({"label": label}, [said]))
        | {"metrics": list(scores)}
        for n, (label, said) in enumerate(asked)
    ]
