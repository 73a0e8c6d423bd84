"""A trained policy as a folder for the hub, and there.

Reads  <results>/runs/{dataset}/{method}/seed{seed}/, the data set's card and the tables that are
       there
Writes OUT: weights, config, tokenizer, chat template, and README.md, the model card
By hand: asft publish hh_rlhf/asft --out published
"""

import shutil
from pathlib import Path
from typing import Annotated, Any

import yaml
from typer import Argument

from asft.cli.outgoing import refuse_keys, without_paths
from asft.config import Config, card_settings, experiments, load, read_config, tables_of
from asft.errors import UserError
from asft.files import read_json, read_text, write_json, write_text
from asft.models import find_policy
from asft.report import Origin, card_of_run

# Of what training saves. Others that lie there (Snakemake's mark, adapters alone) stay.
_PUBLISHED = (
    *("*.safetensors", "*.safetensors.index.json", "config.json", "generation_config.json"),
    *("tokenizer*", "*token*.json", "vocab.*", "merges.txt", "chat_template.jinja"),
)
Run = Annotated[
    str, Argument(help="{dataset}/{method}, of several seeds with /seed{seed}; or the run's folder")
]


def publish(
    run: Run,
    out: Path,
    push: str | None = None,
    private: bool = False,
    license: str | None = None,
    configfile: list[Path] | None = None,
) -> None:
    """Prepare a trained policy for the hub, its card with the scores of the tables that are there.

    Args:
        out: a folder that is not there yet
        push: name on the hub, OWNER/NAME; what is prepared is also uploaded there
        private: of a repository that is new there: nobody else sees it
        license: its identifier on the hub; by default the base model's, where that is known
        configfile: overlays over config.yaml, as the run had them

    Raises:
        UserError: the run is not there or not of this config, `out` is there, or no token is set
            for `push`; nothing is written then. Or the hub refuses it; the folder is whole then.
    """
    token = _token() if push else ""
    if out.exists():
        raise UserError(f"{out}: there already; name another folder")
    config, folder = _trained(run, read_config(configfile or []))
    origin = {"license": license or "", "address": push or "."}
    card = without_paths(_card(config, folder, origin))
    refuse_keys([("the model card", card.encode())], config)
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _copy(folder / "policy", partial)
        write_text(partial / "README.md", card)
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if "license" not in yaml.safe_load(card.split("---\n")[1]):
        print("the card names no licence: give the base model's with --license")
    print(out)
    if push:
        print(_upload(out, push, private, token))


def _token() -> str:
    from huggingface_hub import constants, get_token

    token = get_token()
    if constants.HF_HUB_OFFLINE or not token:
        lack = "unset HF_HUB_OFFLINE" if token else "set HF_TOKEN, or log in with `hf auth login`"
        raise UserError(f"--push: nothing can be uploaded, and nothing is written: {lack}")
    return token


def _trained(run: str, raw: dict[str, Any]) -> tuple[Config, Path]:
    """The config of a run's experiment, and its folder."""
    own = experiments(raw)
    policy = find_policy(run, Path(load(raw).results))
    folder = policy.resolve().parent
    if policy.name != "policy" or not (folder / "settings.yaml").is_file():
        raise UserError(f"{policy}: not trained here; a run is {{dataset}}/{{method}}/seed{{seed}}")
    for config in map(load, [raw, *own.values()]):
        if folder.is_relative_to(Path(config.results, "runs").resolve()):
            return config, folder
    raise UserError(f"{folder}: not in the config's results; give its overlays by --configfile")


def _card(config: Config, run: Path, origin: dict[str, Any]) -> str:
    settings = yaml.safe_load(read_text(run / "settings.yaml"))
    dataset, method = settings["dataset"], settings["method"]
    if dataset not in config.datasets or method not in config.methods:
        raise UserError(f"{run}: the config has no such run; give its overlays by --configfile")
    results = Path(config.results)
    tables = {name: results / f"{name}.csv" for name in tables_of(config, dataset)}
    there = {name: path for name, path in tables.items() if path.is_file()}
    if lacking := sorted(tables.keys() - there.keys()):
        print(f"not made yet, so not in the card: {', '.join(lacking)}")
    counts = [results / "data" / dataset / name for name in ("card.json", "counts.json")]
    said = card_settings(config, dataset, method)
    columns = said.pop("columns")
    return card_of_run(
        run,
        next(filter(Path.is_file, counts), counts[0]),  # a table may have needed no card yet
        there.get("table3"),
        there.get("table2"),
        columns,
        Origin(**said, **origin),
        there.get("table4"),
    )


def _copy(policy: Path, out: Path) -> None:
    out.mkdir(parents=True)
    files = {file for pattern in _PUBLISHED for file in policy.glob(pattern)}
    for file in sorted(filter(Path.is_file, files)):
        if file.suffix != ".json" or file.name == "tokenizer.json":
            shutil.copyfile(file, out / file.name)
            continue
        found = read_json(file)
        plain = {key: _plain(value) for key, value in found.items()}
        if plain == found:
            shutil.copyfile(file, out / file.name)
        else:
            write_json(out / file.name, plain)


def _plain(value: Any) -> Any:
    """A path of this machine cut to its name: where a model or tokenizer was read from."""
    is_path = isinstance(value, str) and value.startswith("/") and Path(value).exists()
    return Path(value).name if is_path else value


def _upload(out: Path, name: str, private: bool, token: str) -> str:
    """Upload the folder; return its address."""
    from huggingface_hub import HfApi

    hub = HfApi(token=token)
    try:
        hub.create_repo(name, private=private or None, exist_ok=True)
        return hub.upload_folder(repo_id=name, folder_path=out).repo_url.url
    except Exception as error:
        why = str(error).replace(token, "***").strip().split("\n")[0] or type(error).__name__
        again = f"hf upload {name} {out}"
        raise UserError(f"{name}: {why}; {out} is whole, upload it with: {again}") from error
