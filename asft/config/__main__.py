"""Print the JSON schema of `config.yaml`: `python -m asft.config`."""

from asft.config.experiment import json_schema

print(json_schema(), end="")
