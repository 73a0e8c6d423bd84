"""How good a judge is: it judges published pairs of answers, and is compared with their verdicts.

Reads  the sources of judges.{judge}.agreement, the prompts of a benchmark, a local judge's folder
Writes <results>/judges/{judge}/agreement.json, .csv, .md (asft/tables/agreement.py) and
       agreement.verdicts.jsonl, the judge's own verdicts; each answer at once into
       cache/judge.answers
By hand: asft judge-agreement --settings JSON --published JSON --protocol NAME --prompts FILE
         --out agreement.json
"""

from pathlib import Path
from typing import TYPE_CHECKING

from asft.config import Agreement, Judge, Statistics, judged_protocol
from asft.files import write_jsonl
from asft.metrics import ComparedPair, choices_on
from asft.records import Verdict

if TYPE_CHECKING:
    from asft.judging import PublishedPair


def judge_agreement(
    settings: str,
    published: str,
    protocol: str,
    prompts: Path,
    out: Path,
    judge_model: Path | None = None,
    limit: int | None = None,
    store: Path | None = None,
    confidence: float = 0.95,
    spending: str | None = None,
) -> None:
    """Measure how far a judge agrees with published verdicts.

    Args:
        settings: the judge's row of the config, as JSON
        published: its section `agreement`, the published verdicts, as JSON
        protocol: one of a judge, such as alpaca_eval or arena_hard, by which it is asked
        prompts: the file of its prompts; reference answers may lie beside it, in references.jsonl
        out: agreement.json; .csv, .md and .verdicts.jsonl go beside it
        judge_model: a local judge's model folder
        limit: number of pairs, in place of that in `published`
        store: folder where answers are kept, which other jobs may share
        confidence: level of the intervals
        spending: keys `prices` and `max_cost` of the judge's row, as JSON
    """
    from asft.judging import STORE, draw_balanced, judge_pairs, read_published
    from asft.tables import write_agreement

    judged_protocol(protocol, out)
    judge = Judge.model_validate_json(settings).with_spending(spending)
    asked = Agreement.model_validate_json(published)
    found = read_published(asked)
    pairs = draw_balanced(found.pairs, limit or asked.limit)
    verdicts = judge_pairs(pairs, protocol, prompts, judge, judge_model, store or STORE)
    compared = [_compared(pair, own) for pair, own in zip(pairs, verdicts, strict=True)]
    about = {
        "judge": judge.model,
        "protocol": protocol,
        "rules": judge.protocol,
        "published": {
            "judge": found.judge,
            "format": asked.format,
            "usable": len(found.pairs),
            "left_out": dict(sorted(found.left_out.items())),
        },
    }
    lines = [verdict for own in verdicts for game in own for verdict in game]
    write_jsonl(out.with_suffix(".verdicts.jsonl"), lines)
    write_agreement(
        about, compared, choices_on(compared, protocol), Statistics(confidence=confidence), out
    )


def _compared(pair: "PublishedPair", own: tuple[list[Verdict], list[Verdict]]) -> ComparedPair:
    return ComparedPair(
        pair.pair_id,
        pair.question.question_id,
        pair.models,
        pair.preference,
        (len(pair.answers[0]), len(pair.answers[1])),
        own,
    )
