"""What a table says of questions that have no ROUGE, since rouge-score drops their script."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from asft.tables.text import Row


def dropped_cells(dropped: Sequence[str]) -> Row:
    """Return the cells of Table 3 that say of how many questions ROUGE is, and why of no more.

    Args:
        dropped: by question: the script for which it has no ROUGE, or "".
    """
    scripts = Counter(script for script in dropped if script).most_common()
    named = ", ".join(f"{script} {count}" for script, count in scripts)
    return {"rouge_n": dropped.count(""), "rouge_dropped": named} if scripts else {}


def explain_dropped(row: Mapping[str, Any]) -> str:
    """Say in a sentence what the cells of a row say; "" where all questions have ROUGE."""
    if not row.get("rouge_dropped"):
        return ""
    n, kept = int(row["n"]), int(row["rouge_n"])
    means = f"their means are of the other {kept}" if kept > 1 else "they have no means"
    return (
        "rouge-score keeps the letters a to z and digits alone: rouge1, rouge2 and rougeL are empty"
        f" for {n - kept} of {n} questions, by the script of their references"
        f" ({row['rouge_dropped']}), and {means}."
    )
