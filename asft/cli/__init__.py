"""The `asft` command: one sub-command a step, any failure in one line."""

from asft.cli.app import main

__all__ = ["main"]
