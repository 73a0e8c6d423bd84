"""The default config as its YAML says it, and overlays over it."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def merged(base, over):
    """Merge as snakemake does: mappings key by key, everything else replaced."""
    result = dict(base)
    for key, value in over.items():
        nested = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if nested else value
    return result
