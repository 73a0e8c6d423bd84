"""What a config may ask for beside the tables: the figures that need runs or measurements."""

from typing import Literal

from pydantic import Field

from asft.source_kinds import Distinct, Name, Section

Arm = Literal["dpo_online", "dpo_cached", "asft"]


class Margins(Section):
    """Figure 2(a): likelihood margin on held-out pairs over training."""

    dataset: Name = "ultrafeedback"
    methods: Distinct[Name] = Field(default=["asft", "orpo"], min_length=1)


class Cost(Section):
    """Figure 2(b): run time and peak memory, each arm in fresh processes of its own."""

    dataset: Name = "ultrafeedback"
    repeats: int = Field(3, ge=1)
    steps: int = Field(8, ge=3, description="optimiser steps a measurement takes")


class Figures(Section):
    """Figures 1 and 3, training curves and the pictures of the tables need nothing of their own."""

    margins: Margins | None = Margins()
    cost: Cost | None = Cost()
