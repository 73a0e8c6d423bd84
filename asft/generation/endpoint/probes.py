"""Which calls show whether a server is down, or fails on some questions alone."""

from asft.generation.endpoint.outcomes import Request

PROBES = 5  # one answer of so many shows that it is not


def probes(left: dict[str, Request], known: Request | None) -> list[tuple[str, Request]]:
    """Choose calls spread over those left, since bad ones may stand together, the far ones first.

    The last is one that was answered, if there is one: all that are left may be bad, and if this
    one is answered again, that is what it is. Its key is empty.
    """
    spread = list(left.items())[:: len(left) // PROBES][PROBES - 1 :: -1]
    return [*spread[:-1], ("", known) if known else spread[-1]]
