"""A policy as a folder for the hub: it loads, its card has scores; nothing of this machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hub import Hub
from huggingface_hub import ModelCard, constants
from judge_calls import CANARY
from report_results import small, write_results

from asft.cli.publish import publish
from asft.errors import UserError
from asft.files import read_json, write_json

RUN = "hh_rlhf/asft"
FOLDER = Path("results/runs/hh_rlhf/asft/seed42")
ABOUT = (".snakemake_timestamp", "card.json")


@pytest.fixture
def experiment(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a policy, and what lies about in folders of policies."""
    monkeypatch.chdir(tmp_path)
    raw = small() | {"results": "results"}
    write_results(tmp_path / "results", raw)
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(raw))
    data = Path("results/data/hh_rlhf/card.json")
    write_json(data, read_json(data) | {"format": "hh_rlhf"})
    shutil.copytree(tiny, FOLDER / "policy")
    for name in (*ABOUT, ".cache/huggingface/x", "adapter/adapter_config.json"):
        (FOLDER / "policy" / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / "policy" / name).touch()
    config = FOLDER / "policy/config.json"
    write_json(config, read_json(config) | {"_name_or_path": str(tmp_path / "results")})
    settings = yaml.safe_load((FOLDER / "settings.yaml").read_text())
    settings["provenance"]["model"]["source"] = {"local": f"{tmp_path}/models/small"}
    (FOLDER / "settings.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path


def test_a_folder_that_loads(experiment: Path) -> None:
    publish(RUN, Path("out"))
    from transformers import AutoModelForCausalLM, AutoTokenizer

    left = {path.name for path in (FOLDER / "policy").iterdir()} - {
        p.name for p in Path("out").iterdir()
    }
    assert left == {*ABOUT, ".cache", "adapter"}
    assert AutoModelForCausalLM.from_pretrained("out").num_parameters()
    assert AutoTokenizer.from_pretrained("out").chat_template
    card = ModelCard.load("out/README.md")
    assert card.data.license == "apache-2.0"
    assert "| alpaca_en | BLEU-4 | 20.25 | 18.50 to 23.12 | 6 | 1 |" in card.text
    assert "vllm serve ." in card.text
    assert "pipeline('text-generation', '.')" in card.text
    again = Path("again")
    publish(str(FOLDER), again)
    for path in Path("out").iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes()


def test_no_path_of_this_machine(experiment: Path) -> None:
    publish(RUN, Path("out"))
    for path in Path("out").iterdir():
        assert str(experiment).encode() not in path.read_bytes(), path
    assert "local: small" in Path("out/README.md").read_text()


def test_scores_of_the_tables_that_are_there(
    experiment: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("table3", "table4"):
        Path(f"results/{name}.csv").unlink()
    publish(RUN, Path("out"), license="mit")
    assert "not in the card: table3, table4" in capsys.readouterr().out
    card = ModelCard.load("out/README.md")
    assert "## Results" not in card.text
    assert card.data.license == "mit"


@pytest.mark.parametrize(
    ("run", "out", "words"),
    [
        (RUN, "results", "there already"),
        ("hh_rlhf/dpo", "out", "no policy"),
        ("models/theirs", "out", "not trained here"),
    ],
)
def test_a_fault_writes_nothing(
    experiment: Path, tiny: Path, run: str, out: str, words: str
) -> None:
    shutil.copytree(tiny, "models/theirs")
    with pytest.raises(UserError, match=words):
        publish(run, Path(out))
    assert not Path("out").exists()


def test_a_key_is_refused(experiment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", CANARY)  # of the config's judge
    raw = yaml.safe_load(Path("config.yaml").read_text()) | {"note": f"By {CANARY}."}
    Path("config.yaml").write_text(yaml.safe_dump(raw))
    with pytest.raises(UserError, match="card: holds the value of KEY"):
        publish(RUN, Path("out"))
    assert not list(experiment.glob("*out*"))


@pytest.fixture
def online(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, and a token for it."""
    monkeypatch.setenv("HF_TOKEN", CANARY)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with Hub() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        yield hub


def test_push(experiment: Path, online: Hub, capfd: pytest.CaptureFixture[str]) -> None:
    publish(RUN, Path("out"), push="owner/policy", private=True)
    assert online.tokens == {f"Bearer {CANARY}"}
    assert online.created["name"] == "policy"
    assert "private" in {online.created.get("visibility"), *online.created}  # by its version
    sent = {name: text for name, text in online.files.items() if name != ".gitattributes"}
    assert sent == {path.name: path.read_bytes() for path in Path("out").iterdir()}
    assert b"vllm serve owner/policy" in sent["README.md"]
    assert not [name for name, content in sent.items() if CANARY.encode() in content]
    printed = capfd.readouterr()
    assert f"{online.url}/owner/policy" in printed.out
    assert CANARY not in printed.out + printed.err


def test_a_push_that_is_refused_keeps_the_folder(experiment: Path, online: Hub) -> None:
    online.refuses = True
    with pytest.raises(UserError, match="upload it with: hf upload owner/policy out") as caught:
        publish(RUN, Path("out"), push="owner/policy")
    assert CANARY not in str(caught.value)
    assert Path("out/README.md").is_file()


def test_without_a_token_nothing_is_written(
    experiment: Path, online: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "none")
    with pytest.raises(UserError, match="set HF_TOKEN"):
        publish(RUN, Path("out"), push="owner/policy")
    assert not list(experiment.glob("*out*"))
    assert not online.tokens
