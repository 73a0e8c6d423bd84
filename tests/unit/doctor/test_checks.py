"""An examination finds what a run would meet, goes on behind what fails, and writes nothing."""

from pathlib import Path

import pytest
import yaml

from asft.doctor import Examination, Row, examine

OVERLAYS = [Path("workflow/config/test.yaml"), Path("mine.yaml")]


def rows(found: Examination) -> dict[str, Row]:
    return {row.check: row for _, each in found.sections for row in each}


def change(**more: object) -> None:
    path = Path("mine.yaml")
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | more))


def test_a_project_that_nothing_would_stop(project: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in project.rglob("*")}
    found = examine(OVERLAYS, ["results=results/other"])
    assert {path: path.stat().st_mtime_ns for path in project.rglob("*")} == before
    assert [row for row in rows(found).values() if row.state == "problem"] == []
    told = rows(found)
    assert told["config"].found.endswith("results in results/other")
    assert told["training"].found == "float32 (training.precision: fp32)"
    assert told["hh_rlhf: BOS"].found == "the tokenizer has none"
    # The turn before and the one of the prompt end with it too, and it is the tokenizer's EOS.
    assert told["hh_rlhf: EOS"].found.startswith("<|im_end|>: ")
    assert told["hh_rlhf: end"].state == told["packing"].state == "ok"
    assert "project's own decoding, which knows llama" in told["decoding"].found
    assert [pair.dataset for pair in found.pairs] == ["ultrafeedback", "hh_rlhf"]


def test_what_is_not_here_yet_is_a_note(project: Path) -> None:
    """The first job imports random weights: until then there is no tokenizer."""
    found = examine(OVERLAYS[:1])
    assert rows(found)["model"].state == "note"
    assert "asft run --cores all results/test/models/tiny" in rows(found)["model"].advice
    assert not found.pairs
    assert not found.count("problem")


def test_what_fails_is_a_row_and_the_others_go_on(project: Path) -> None:
    change(
        datasets={"hh_rlhf": {"sources": [{"local": "lost.jsonl"}]}},
        generation={"backend": "openai", "server": {"command": "no-such-server {policy}"}},
        training={"attention": "flash"},
    )
    found = rows(examine(OVERLAYS))
    assert "lost.jsonl" in found["hh_rlhf: tokens"].found
    assert found["generation.server"].found == "no-such-server: no such command"
    assert "training.attention: flash needs a CUDA GPU" in found["packing"].found
    assert {name for name, row in found.items() if row.state == "problem"} == {
        *("hh_rlhf: tokens", "generation.server", "packing")
    }
    assert found["ultrafeedback: tokens"].state == "ok"


def test_a_config_that_cannot_be_read_leaves_the_machine(project: Path) -> None:
    found = examine(values=["methods={asft: {betta: 1}}"])
    assert "betta" in rows(found)["config"].found
    assert found.count("problem") == 1
    assert {"python", "packages", "device", "threads"} <= rows(found).keys()


def test_pairs_that_a_template_cannot_render(project: Path) -> None:
    refusing = "{{ raise_exception('no') if messages | length > 1 else 'x' }}"
    Path("refusing.jinja").write_text(refusing)
    sources = yaml.safe_load(Path("mine.yaml").read_text())["models"]["tiny"]["sources"]
    change(models={"tiny": {"sources": sources, "chat_template": "refusing.jinja"}})
    found = rows(examine(OVERLAYS))
    assert found["chat template"].found == "the config's: refusing.jinja"
    assert "template_refused" in found["hh_rlhf: tokens"].found


def test_weights_that_have_no_room_are_not_loaded(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asft.doctor.model.available", lambda: 100_000)
    row = rows(examine(OVERLAYS))["packing"]
    assert row.state == "note"
    assert row.found.startswith("not tried, nor decoding: weights take 0.4 MB in fp32")
