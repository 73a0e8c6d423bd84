"""Configs, models, archives and templates are data: they name nothing outside, and run nothing."""

import ast
import copy
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_tokenizers import chatml
from wheel_files import serve, write_wheel

from asft.config.data import Dataset, Tokens
from asft.config.loading import load
from asft.config.sources import HubSource, LocalSource, UrlSource, WheelSource
from asft.data import wheels
from asft.data.prepare_dataset import prepare_pairs
from asft.data.rendering import render_prompt
from asft.data.rows import Unusable
from asft.data.sources import fetch, load_rows
from asft.errors import UserError
from asft.judging.prompts import load_game_prompts
from asft.records import Message

ROOT = Path(__file__).parents[2]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
PROMPT = [Message(role="user", content="Hello")]


def refused(changes: dict[str, Any]) -> str:
    raw = copy.deepcopy(DEFAULT)
    for key, value in changes.items():
        raw[key] = raw[key] | value if isinstance(value, dict) else value
    with pytest.raises(UserError) as fault:
        load(raw)
    return str(fault.value)


OUTSIDE = ["../up", "/etc/x", "a/b", "..", ".", "", ".hidden", "a\\b", "a b", "a\n", "ä;rm", "-x"]


@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_become_paths_cannot_leave_their_folder(name: str) -> None:
    local = {"sources": [{"local": "x"}]}
    catalogues: dict[str, dict[str, Any]] = {
        "models": local,
        "datasets": {"format": "trl", **local},
        "benchmarks": {"protocol": "references", "format": "alpaca", **local},
        "methods": {"loss": "sft"},
        "judges": {"backend": "local", "model": "smollm2-135m-instruct"},
    }
    for key, entry in catalogues.items():
        assert f"{key}." in refused({key: {name: entry}})


@pytest.mark.parametrize(
    "folder", ["a b", "a;b", "$HOME", "~x", "", "-a", "a'b", 'a"b', "a\nb", "{a}"]
)
def test_a_results_folder_that_a_shell_would_read(folder: str) -> None:
    assert "results: " in refused({"results": folder})


@pytest.mark.parametrize("folder", ["results", "results/paper", "/scratch/me/a+b", "../größe_2"])
def test_a_results_folder_may_be_anywhere(folder: str) -> None:
    assert load(DEFAULT | {"results": folder}).results == folder


@pytest.mark.parametrize(
    "source",
    [
        {"wheel": "git+https://example.org/x==1", "file": "f", "sha256": "0" * 64},
        {"wheel": "./folder==1", "file": "f", "sha256": "0" * 64},
        {"wheel": "x @ https://example.org/x.whl==1", "file": "f", "sha256": "0" * 64},
        {"wheel": "--index-url==1", "file": "f", "sha256": "0" * 64},
        {"hub": "../model", "revision": "main"},
        {"hub": "/etc", "revision": "main"},
        {"hub": "a/b/c", "revision": "main"},
        {"hub": "a/b", "revision": "main", "trust_remote_code": True},
        {"local": "model", "trust_remote_code": True},
    ],
)
def test_sources_that_name_something_else(source: dict[str, Any]) -> None:
    assert "models.x.sources" in refused({"models": {"x": {"sources": [source]}}})


@pytest.mark.parametrize("name", ["%2e%2e%2f%2e%2e%2fx", "..%5cx", "%2fetc%2fx", "a%00b", "%2e"])
def test_urls_cannot_name_a_place_outside_the_cache(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the last part of the path names the file, and the folder is the hash."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("ASFT_CACHE", str(cache))
    with pytest.raises(UserError):
        fetch([UrlSource(url=f"file://{tmp_path}/{name}", sha256="0" * 64)])
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept == []


def test_a_link_in_a_wheel_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("not yours")
    link = zipfile.ZipInfo("evil/data")
    link.external_attr = 0o120777 << 16  # a symbolic link
    write_wheel(tmp_path, "evil", link, str(secret))
    serve(tmp_path, monkeypatch)
    wheels.download_member("evil==1.0", "evil/data", tmp_path / "out")
    assert (tmp_path / "out").read_text() == str(secret)  # the link's own text
    assert not (tmp_path / "out").is_symlink()
    monkeypatch.setenv("ASFT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(UserError, match="wrong sha256"):
        fetch([WheelSource(wheel="evil==1.0", file="evil/data", sha256="0" * 64)])


ATTACKS = [
    "{{ messages.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''.__class__.__base__.__subclasses__() }}",
    "{{ raise_exception.__globals__['os'].system('touch was_run') }}",
    "{{ cycler.__init__.__globals__.os.system('touch was_run') }}",
    "{{ messages.append(1) }}{{ messages.clear() }}",
    "{% for i in range(10 ** 12) %}x{% endfor %}",
    "{{ 1 // 0 }}",
    "{% import 'os' as os %}",
    "{% include '/etc/passwd' %}",
    "{{ messages[0]",
]


@pytest.mark.parametrize("template", ATTACKS)
def test_chat_templates_are_in_a_sandbox(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model's template comes from whoever made the model."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unusable, match="template_refused"):
        render_prompt(PROMPT, chatml(template))
    assert not list(tmp_path.iterdir())


def test_a_refused_template_is_named_in_the_error(tmp_path: Path) -> None:
    answers = {key: [{"role": "assistant", "content": key}] for key in ("chosen", "rejected")}
    rows = [{"prompt": PROMPT, **answers}]
    dataset = Dataset(format="trl", sources=[{"local": "x"}])
    with pytest.raises(UserError, match=r"no usable row of 1 rows, template_refused 1"):
        prepare_pairs(dataset, "toy", rows, None, chatml(ATTACKS[0]), Tokens(), tmp_path)


# What would run data as code: names, and the arguments that allow it.
FORBIDDEN = {"eval", "exec", "compile", "pickle", "cPickle", "dill", "marshal", "shelve", "joblib"}
FORBIDDEN |= {"torch.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system"}
FORBIDDEN |= {"os.popen", "numpy.load", "np.load", "pd.read_pickle", "__import__"}


def dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@pytest.mark.parametrize("path", sorted((ROOT / "asft").rglob("*.py")), ids=lambda p: p.stem)
def test_the_package_has_no_way_to_run_data(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & FORBIDDEN
        if isinstance(node, ast.ImportFrom):
            assert node.module not in FORBIDDEN
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            if name == "torch.load":  # checkpoints of our own optimiser
                chosen = {k.arg: getattr(k.value, "value", None) for k in node.keywords}
                assert chosen.get("weights_only") is True, f"{path.name}, line {node.lineno}"
                continue
            assert name not in FORBIDDEN, f"{path.name}, line {node.lineno}: {name}"
            for keyword in node.keywords:
                if keyword.arg in ("trust_remote_code", "shell", "allow_pickle"):
                    assert isinstance(keyword.value, ast.Constant)
                    assert keyword.value.value is False, f"{path.name}, line {node.lineno}"


@pytest.mark.parametrize("data", ["data.jsonl", "none"])
def test_a_loading_script_beside_the_data_is_not_run(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """datasets looks for a folder of the repository's name before it asks the hub."""
    monkeypatch.chdir(tmp_path)
    folder, marker = tmp_path / "owner/name", tmp_path / "was_run"
    folder.mkdir(parents=True)
    (folder / "name.py").write_text(f"open({str(marker)!r}, 'w')")
    (folder / data).write_text('{"a": 1}\n')
    with pytest.raises(UserError, match=r"scripts are no longer supported, but found name\.py"):
        load_rows([HubSource(hub="owner/name", revision="0" * 40)])
    with pytest.raises(UserError, match=r"expected a file \.json"):
        load_rows([LocalSource(local="owner/name/name.py")])
    assert not marker.exists()


def test_a_judge_config_cannot_run_code(tmp_path: Path) -> None:
    path, marker = tmp_path / "judge_config.yaml", tmp_path / "was_run"
    path.write_text(f"prompt_template: !!python/object/apply:os.mkdir ['{marker}']\n")
    with pytest.raises(UserError, match="could not determine a constructor"):
        load_game_prompts(path)
    assert not marker.exists()
    assert [file.name for file in tmp_path.iterdir()] == ["judge_config.yaml"]
