"""The live view: what a run of the DAG has made, and how far each running step is."""

from asft.watching.watch import watch_results

__all__ = ["watch_results"]
