"""Changes of dtype."""

from __future__ import annotations

import numpy as np

from ..node import OnnxNode
from .core import dtype_of, folds


@folds("Cast", names=True)
def _cast(node: OnnxNode) -> np.ndarray:
    array, kind = node.input(0).array, node.attr("to", 0)
    assert array is not None
    node.ignore("saturate", "round_mode")
    dtype = dtype_of(kind)
    if array.dtype == object and dtype.kind in "iu":
        return array
    return array.astype(dtype)
