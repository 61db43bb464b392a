"""Operators that ask for the shape of a tensor: their answers are known while reading."""

from __future__ import annotations

import math

import numpy as np

from ..node import OnnxNode
from ..registry import importer
from ..tensor import Tensor


@importer("Shape", since=1, any_dtype=True)
def read_shape(node: OnnxNode) -> Tensor:
    x = node.input(0)
    sizes = x.shape[node.attr("start", 0) : node.attr("end", x.rank)]
    known = all(not isinstance(s, str) for s in sizes)
    return node.constant(np.array(sizes, np.int64 if known else object))


@importer("Size", since=1, any_dtype=True)
def read_size(node: OnnxNode) -> Tensor:
    sizes = node.input(0).shape
    if any(isinstance(s, str) for s in sizes):
        node.refuse(f"the size of a tensor of shape {list(sizes)} is not known: pass `shapes` that makes it a number")
    return node.constant(np.array(math.prod(sizes), np.int64))
