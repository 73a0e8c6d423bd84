"""Items that wait in a file."""

import numpy as np

from asft.data.spool import Spool
from asft.data.tokens import TokenPair, packed, unpacked
from asft.records import NO_NUMBERS


def test_items_come_back_in_their_order_as_often_as_asked(tmp_path):
    spool = Spool[str](tmp_path / "new", lambda items: "\n".join(items).encode(), split)
    spool.add(["a", "b"])
    spool.add(["c"])
    assert list(spool) == list(spool) == ["a", "b", "c"]
    assert not list(tmp_path.iterdir())  # the file has no name, and made no folder


def split(content):
    return content.decode().split("\n")


def test_token_pairs_survive_with_what_is_not_said(tmp_path):
    ids = [np.array(part, dtype=np.int32) for part in ([1, 2], [3], [])]
    pairs = [
        TokenPair("a", *ids, NO_NUMBERS),
        TokenPair("b", *ids[::-1], NO_NUMBERS._replace(margin=2.5, weight=0.5)),
    ]
    spool = Spool[TokenPair](tmp_path, packed, unpacked)
    spool.add(pairs)
    for found, pair in zip(spool, pairs, strict=True):
        assert found.id == pair.id
        assert [part.tolist() for part in found[1:4]] == [part.tolist() for part in pair[1:4]]
        np.testing.assert_equal(tuple(found.numbers), tuple(pair.numbers))
