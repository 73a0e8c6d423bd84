"""A step's count in a file: written now and then, gone at the end, and never in the way."""

import json

from asft.progress import Progress


def read(path):
    told = json.loads(path.read_text())
    del told["time"]
    return told


def test_it_is_written_once_a_second_and_at_the_end(tmp_path):
    now, path = [0.0], tmp_path / "progress.json"
    progress = Progress(path, "train", 10, "step", clock=lambda: now[0])
    about = {"what": "train", "total": 10, "unit": "step"}
    seen = []
    for done in range(11):
        now[0] = 0.4 * done
        progress.tell(done, lambda: {"memory_bytes": 5})
        seen.append(read(path)["done"])
    assert seen == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 10]
    assert read(path) == about | {"done": 10, "seconds_each": 0.4, "memory_bytes": 5}
    assert len(path.read_bytes()) == 512
    progress.end()
    assert not path.exists()
