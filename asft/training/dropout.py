"""Dropout of a policy, off by default: methods are compared on what they learn, not on noise.

The reference is computed without dropout, so with it a loss at the first step is not ln 2, and the
margin over the reference is noise. TRL's DPO turns it off too.
"""

from torch import nn


def without_dropout(policy: nn.Module) -> nn.Module:
    """Turn off whatever a model drops at random in training; its config stays as it is.

    Layers are `nn.Dropout` and its kind; attention keeps its share in a number of its own, as do
    models that skip whole layers (`layerdrop`).
    """
    for module in policy.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.p = 0.0
        for name, value in vars(module).items():
            if "drop" in name and isinstance(value, float):
                setattr(module, name, 0.0)
    return policy
