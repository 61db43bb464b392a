"""Numbers that move and do not change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..node import OnnxNode
from .core import folds, limited, operands


@folds("Identity", "Dropout", names=True)
def _identity(node: OnnxNode) -> np.ndarray | Any:
    node.ignore("ratio", "seed")
    node.only_output("the mask")
    return node.known(0)


@folds("Concat", names=True)
def _concat(node: OnnxNode) -> np.ndarray:
    return np.concatenate(operands(node), axis=node.attr("axis", 0))


@folds("Transpose", names=True)
def _transpose(node: OnnxNode) -> np.ndarray | Any:
    x = node.known(0)
    return x.transpose(node.ints("perm", tuple(reversed(range(x.ndim)))))


@folds("Reshape", names=True)
def _reshape(node: OnnxNode) -> np.ndarray | Any:
    x, shape = node.known(0), list(node.known_ints(1))
    if not node.attr("allowzero", 0):
        shape = [x.shape[i] if s == 0 else s for i, s in enumerate(shape)]
    return x.reshape(shape)


@folds("Flatten", names=True)
def _flatten(node: OnnxNode) -> np.ndarray | Any:
    x, axis = node.known(0), node.attr("axis", 1)
    return x.reshape(math.prod(x.shape[:axis]), -1 if x.size else math.prod(x.shape[axis:]))


@folds("Squeeze", names=True)
def _squeeze(node: OnnxNode) -> np.ndarray | Any:
    axes = node.attr_or_input("axes", 1, 13)
    return node.known(0).squeeze(None if axes is None else tuple(axes))


@folds("Unsqueeze", names=True)
def _unsqueeze(node: OnnxNode) -> np.ndarray:
    return np.expand_dims(node.known(0), tuple(node.attr_or_input("axes", 1, 13, ())))


@folds("Expand")
def _expand(node: OnnxNode) -> np.ndarray:
    x = node.known(0)
    return np.array(np.broadcast_to(x, limited(np.broadcast_shapes(x.shape, node.known_ints(1)))))


@folds("Tile")
def _tile(node: OnnxNode) -> np.ndarray:
    x, repeats = node.known(0), node.known_ints(1)
    limited([s * r for s, r in zip(x.shape, repeats, strict=True)])
    return np.tile(x, repeats)
