"""Aligned Supervised Fine-Tuning (arXiv 2409.10571): the paper's experiments as one DAG.

What the package offers in Python stands on the faces of its rooms (docs/api.md):

    losses      the training losses, one function each, and the table of methods
    config      the experiment: its keys, their checks, and what it asks for
    data        preference pairs and test questions, from a source to tokens and a card
    models      policies on disk: where they come from, how they are loaded
    metrics     BLEU and ROUGE, judges' verdicts as numbers, intervals and comparisons
    training    the trainer, the reference's log-probabilities, the cost of a step
    generation  text from a model, here or behind an endpoint, and the store of answers
    abilities   a policy on tasks of lm-evaluation-harness
    judging     judges: prompts, calls, verdicts, controls, published judgments
    tables      Tables 1 to 4 as CSV, Markdown and LaTeX
    figures     the figures as pdf, png and the numbers drawn
    report      the pages of the report and the card of each policy
    planning    what an experiment will take before it runs
    doctor      what a run would meet here: machine, keys, servers, model, a pair's tokens
    watching    what a run has made, and how far each running step is
    cli         the command `asft`

A room is imported when it is first used, and torch only by those that compute with it.
"""

import lazy_loader

__version__ = "0.1.0"
# Which rooms: __init__.pyi.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
