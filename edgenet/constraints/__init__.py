"""What weights are held to: training applies a constraint after every step.

>>> get("max_norm"), max_norm(3, axis=[0, 1, 2]).max_value
(MaxNorm(max_value=2, axis=0), 3)
"""

from .constraint import (
    Constraint,
    MaxNorm,
    MinMaxNorm,
    NonNeg,
    UnitNorm,
    custom_constraints,
    deserialize,
    get,
    serialize,
)

max_norm = maxnorm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "custom_constraints",
    "deserialize",
    "get",
    "max_norm",
    "maxnorm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
