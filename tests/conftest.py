"""Shared by all tests: the same examples on every run, no telemetry, no network hub."""

import os

from hypothesis import settings

os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"

settings.register_profile("suite", derandomize=True, max_examples=60, deadline=None)
settings.load_profile("suite")
