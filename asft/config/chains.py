"""Chains of methods: which policy each one starts from, and so what is trained before it."""

from asft.config.experiment import Config
from asft.config.methods import Method as Row
from asft.config.methods import Start
from asft.errors import UserError, nearest
from asft.losses import Method, find_method

UNTRAINED = "-"  # the data set of policies that were not trained here
Link = tuple[str, str]  # data set and method of a policy


def start_of(config: Config, dataset: str, method: str) -> Link | None:
    """Return the policy that a method starts from on a data set; None is the base policy."""
    row = config.methods.get(method)
    if row is None or row.start is None:
        return None
    start = row.start if isinstance(row.start, Start) else Start(method=row.start)
    if start.method in config.policies:
        return UNTRAINED, start.method
    return start.dataset or dataset, start.method


def chain_of(config: Config, dataset: str, method: str) -> list[Link]:
    """Return all that is trained for a method on a data set, in order, the method itself last."""
    return [link for link in _links(config, dataset, method) if link[0] != UNTRAINED]


def origin_of(config: Config, dataset: str, method: str) -> str | None:
    """Return the row of `policies` that a method's chain begins with; None is the base policy."""
    data, name = _links(config, dataset, method)[0]
    return name if data == UNTRAINED else None


def starts_named(config: Config, dataset: str, method: str) -> list[str]:
    """Return the names of a method's starts in order, with their data where it is another."""
    links = _links(config, dataset, method)[:-1]
    here = (dataset, UNTRAINED)
    return [name if data in here else f"{name} on {data}" for data, name in links]


def _links(config: Config, dataset: str, method: str) -> list[Link]:
    links, start = [(dataset, method)], start_of(config, dataset, method)
    while start is not None:
        links.insert(0, start)
        start = start_of(config, *start)
    return links


def check_starts(config: Config) -> None:
    """Refuse starts that nothing defines, that lead back to themselves, or that change nothing.

    Raises:
        UserError: names the method and the key.
    """
    for name, row in config.methods.items():
        key = f"config: methods.{name}"
        if start := start_of(config, "", name):
            if start[1] == "base":
                raise UserError(f"{key}.start: what has no `start` starts from base; leave it out")
            _require(start[1], [*config.methods, *config.policies], f"{key}.start")
            if start[0] == UNTRAINED and isinstance(row.start, Start) and row.start.dataset:
                raise UserError(
                    f"{key}.start.dataset: {start[1]!r} was not trained here; leave it out"
                )
            if start[0] not in ("", UNTRAINED):
                _require(start[0], list(config.datasets), f"{key}.start.dataset")
        if row.reference == "base":
            _check_base(f"{key}.reference", row, find_method(row.loss or name))
    for name in config.methods:
        _refuse_circle(config, name)


def _check_base(key: str, row: Row, method: Method) -> None:
    """Refuse the base policy as the reference of what looks at none, or makes its own."""
    if not method.needs_reference:
        raise UserError(f"{key}: its loss compares with no reference; leave it out")
    if row.start and (method.needs_model or row.trainer == "trl"):
        who = "TRL's trainers take" if row.trainer == "trl" else "its loss loads"
        raise UserError(f"{key}: {who} the policy that it starts from; leave it out")


def _require(name: str, known: list[str], key: str) -> None:
    if name not in known:
        raise UserError(f"{key}: unknown name {name!r}{nearest(name, known)}")


def _refuse_circle(config: Config, name: str) -> None:
    """Refuse a circle by names alone: another data set on the way does not end it."""
    seen, start = [name], start_of(config, "", name)
    while start is not None:
        seen.append(start[1])
        if start[1] in seen[:-1]:
            raise UserError(
                f"config: methods.{name}.start: a circle, which no training could begin:"
                f" {' starts from '.join(seen)}"
            )
        start = start_of(config, *start)
