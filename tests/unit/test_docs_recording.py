"""The recording of the demo names no machine, and is what the picture shows."""

import json
import runpy
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs" / "recording.py"
sys.path.append(str(SCRIPT.parent))  # as where it is started by hand
CAST = SCRIPT.parent / "gallery" / "demo.cast"


def test_what_a_command_prints_is_drawn_without_the_machine(tmp_path):
    command = (
        f"echo {SCRIPT.parents[1]}/x; echo '  Host: name'; sleep 0.2; printf '\\033[32mgreen\\n'"
    )
    cast = tmp_path / "short.cast"
    subprocess.run(
        [sys.executable, SCRIPT, "--command", command, "--cast", cast], check=True, timeout=60
    )
    header, *rows = map(json.loads, cast.read_text().splitlines())
    assert (header["version"], header["width"]) == (2, 124)
    assert "".join(text for _, _, text in rows) == "~/asft/x\r\n\x1b[32mgreen\r\n"
    assert rows[-1][0] - rows[0][0] > 0.15
    drawn = ET.fromstring(cast.with_suffix(".svg").read_text())
    texts = [part for part in drawn.itertext() if part.strip()]
    assert texts[-2:] == ["~/asft/x", "green"]


def test_waits_are_cut_until_all_lasts_as_long_as_it_should():
    script = runpy.run_path(str(SCRIPT))
    event, room = script["Event"], script["SECONDS"] - script["HOLD"]
    events = [event(1.0, ""), event(11.0, ""), event(411.0, ""), event(911.0, "")]
    # 1 + 10 s stay, the two long ones share what is left.
    assert abs(script["_longest_wait"](events) - (room - 11) / 2) < 1e-6


def test_the_demos_recording_names_no_machine():
    text = CAST.read_text()
    assert not [name for name in ("/tmp/", "/home/", "/root", "Host:", "User:") if name in text]
    assert "38 of 38 steps (100%) done" in text
    assert "Table 3" in text


def test_the_demos_picture_is_drawn_of_its_recording():
    script = runpy.run_path(str(SCRIPT))
    drawn = script["draw"](*script["_read"](CAST))
    picture = CAST.with_suffix(".svg").read_text()
    assert picture == drawn
    assert len(picture) < 300_000
    assert "<script" not in picture
    assert picture.count("http") == 1  # the namespace: nothing from elsewhere
