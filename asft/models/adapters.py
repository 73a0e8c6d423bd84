"""Import a policy that is published as an adapter: merge it into its base policy.

Reads  the adapter's sources (JSON of `policies.<name>` in the config), <results>/models/{base}/
Writes <results>/models/{policy}/: safetensors, tokenizer, chat template; card.json
By hand: asft merge-adapter --settings JSON --base DIR --out DIR
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from asft.config import HubSource, Model, Source
from asft.data import fetch_one, reason, snapshot, try_each, warn_unless_pinned
from asft.errors import UserError, is_out_of_memory
from asft.files import file_sha256, read_json, write_json
from asft.models.fetch_model import card_of, model_folder, read_model, template_of
from asft.models.folders import load_tokenizer, tokenizer_of
from asft.models.loading import load_policy
from asft.models.weight_files import weights_of

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def merge_adapter(settings: str, base: Path, out: Path) -> None:
    """Merge a low-rank adapter into its base policy, in fp32, and save the policy in bf16.

    Args:
        settings: this step's part of the config, as JSON
        base: folder of the base policy

    Raises:
        UserError: the settings do not fit, no source worked, or none holds an adapter of `base`.
    """
    model = read_model(settings)
    template = template_of(model)
    try_each(model.sources, lambda source: _import_adapter(source, model, template, base, out))


def _import_adapter(
    source: Source, model: Model, template: str | None, base: Path, out: Path
) -> None:
    path = _folder_of(source)
    with model_folder(out) as folder:
        policy = _merged(base, path)
        own = (path / "tokenizer_config.json").is_file()
        tokenizer = tokenizer_of(str(path), None) if own else load_tokenizer(base)
        tokenizer.chat_template = template or tokenizer.chat_template
        if not tokenizer.chat_template:
            raise UserError("no chat template; set policies.<name>.chat_template")
        policy.to(torch.bfloat16).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        about = card_of(source, tokenizer.chat_template, model) | {
            "adapter_of": base.name,
            "adapter_says_it_is_of": read_json(path / CONFIG).get("base_model_name_or_path"),
            "sha256": file_sha256(path / WEIGHTS),
        }
        write_json(folder / "card.json", about | weights_of(folder))


def _folder_of(source: Source) -> Path:
    if isinstance(source, HubSource) and source.file is None:
        warn_unless_pinned(source)
        path = snapshot(source.hub, source.revision)
    else:
        path = fetch_one(source, repo_type="model")
    for name in (CONFIG, WEIGHTS):
        if not (path / name).is_file():
            raise UserError(f"no {name}; an adapter is a folder or repository that peft saved")
    return path


def _merged(base: Path, adapter: Path) -> Any:
    from peft import PeftModel, get_peft_model_state_dict

    policy = load_policy(base, torch.float32)
    try:
        adapted = PeftModel.from_pretrained(policy, str(adapter))
        # peft warns of what it did not find, and goes on with what the layer began as.
        with safe_open(adapter / WEIGHTS, framework="pt") as tensors:
            unlike = set(get_peft_model_state_dict(adapted)) ^ set(tensors.keys())
        if unlike:
            raise UserError(
                f"no adapter of {base.name}: {len(unlike)} weights, {min(unlike)} first"
            )
        return adapted.merge_and_unload(safe_merge=True)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        raise UserError(f"no adapter of {base.name}: {reason(error)}") from error
