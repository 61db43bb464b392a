"""Reading and writing at indices."""

from __future__ import annotations

import numpy as np

from ..node import OnnxNode
from .core import folds, limited


@folds("Gather", names=True)
def _gather(node: OnnxNode) -> np.ndarray:
    indices = node.known(1)
    limited(indices.shape)
    return np.take(node.known(0), indices.astype(np.int64), axis=node.attr("axis", 0))


@folds("NonZero")
def _nonzero(node: OnnxNode) -> np.ndarray:
    return np.array(np.nonzero(node.known(0)), np.int64)
