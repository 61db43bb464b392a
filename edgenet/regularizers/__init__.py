"""Penalties on weights, which training adds to the loss.

>>> get("l2").get_config(), get(L1L2(l1=0.1)).l1
({'l2': 0.01}, 0.1)
"""

from .regularizer import (
    L1,
    L1L2,
    L2,
    OrthogonalRegularizer,
    Regularizer,
    custom_regularizers,
    deserialize,
    get,
    serialize,
)

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal = orthogonal_regularizer = OrthogonalRegularizer

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "custom_regularizers",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal",
    "orthogonal_regularizer",
    "serialize",
]
