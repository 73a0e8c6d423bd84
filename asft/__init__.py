"""Aligned Supervised Fine-Tuning (arXiv 2409.10571): the paper's experiments as one DAG."""

__version__ = "0.1.0"
