"""The columns of Table 3, one row each."""

from dataclasses import dataclass

from asft.metrics import METRICS, Bounds, Metric, mean
from asft.tables.columns import Column, Names, names_of

# The families of metrics; the tables show the first one first.
FAMILIES = {
    "lf": "LLaMA-Factory's metrics (lf_*), the metric family of the paper's numbers",
    "plain": "sacreBLEU and rouge-score",
}


@dataclass(frozen=True, kw_only=True)
class MetricColumn(Column):
    """A column of Table 3: `metric` of all answers of a method together."""

    metric: Metric
    span: Bounds | None = None  # the ends of the scale, of values that are few
    family: str = ""  # of `FAMILIES`; "": it stands beside each of them
    paper: str = ""  # the paper's metric that stands beside it
    sample: str = ""  # what it is called on the samples page, of one answer

    @property
    def names(self) -> Names:
        return names_of(self.key, self.key)


def _reference(
    key: str,
    label: str,
    family: str,
    sample: str,
    *,
    paper: str = "",
    card: str = "",
    figure: str = "",
) -> MetricColumn:
    """A metric against reference answers, 0 to 100."""
    return MetricColumn(
        key=key,
        label=label,
        tex=label,
        digits=2,
        kind="estimate",
        better="higher",
        page=label,
        card=card,
        figure=figure,
        unit="points of 100",
        metric=METRICS[key],
        family=family,
        paper=paper,
        sample=sample,
    )


def _published(paper: str, label: str, figure: str = "") -> MetricColumn:
    """A metric as the paper's numbers are computed: LLaMA-Factory's."""
    return _reference(f"lf_{paper}", label, "lf", label, paper=paper, card=label, figure=figure)


# ROUGE-1 and 2 are in no figure: they would be four panels more.
TABLE3 = [
    _reference("bleu4", "BLEU-4", "plain", "sacreBLEU, of this answer alone", figure="BLEU-4"),
    _reference("rouge1", "ROUGE-1", "plain", "rouge-score 1"),
    _reference("rouge2", "ROUGE-2", "plain", "rouge-score 2"),
    _reference("rougeL", "ROUGE-L", "plain", "rouge-score L", figure="ROUGE-L"),
    _published("bleu4", "BLEU-4", figure="lf BLEU-4"),
    _published("rouge1", "ROUGE-1"),
    _published("rouge2", "ROUGE-2"),
    _published("rougeL", "ROUGE-L", figure="lf ROUGE-L"),
    MetricColumn(
        key="avg_tokens",
        label="tokens",
        digits=1,
        page="Tokens",
        metric=Metric(("tokens",), mean),
    ),
]


def family_columns(family: str) -> list[MetricColumn]:
    """List a family's columns, and those that stand beside every family."""
    return [column for column in TABLE3 if column.family in (family, "")]


def estimate_columns() -> dict[str, MetricColumn]:
    """Return the columns that have an interval, by key."""
    return {column.key: column for column in TABLE3 if column.kind == "estimate"}
