"""What is known while reading is computed while reading, with NumPy.

Exporters describe shapes by small programs of integers (Shape → Gather → Concat → Reshape), and weights by constants
that are reshaped, cast or dequantised first.  A node all of whose inputs are known arrays is evaluated here, so nothing
of this reaches the graph.  A size that is not known yet travels as its name in an array of objects; operators that only
move numbers let it through.

One file a family of operators.  Each function takes the node (for its attributes) and returns the outputs; the formulas
are those of the ONNX operator pages, and all dtypes and versions of an operator are told apart by it.  Inputs whose
number or dtypes are wrong never reach it (`signature`); arrays that do not fit end in `Unfit`, a kind of `Refused`.
"""

from __future__ import annotations

from ..errors import Unfit
from . import (
    activation,
    arithmetic,
    cast,
    creation,
    cut,
    detection,
    indexing,
    logic,
    matrix,
    movement,
    norm,
    pad,
    reduce,
    resize,
    sample,
    selection,
    window,
)
from .core import LARGEST, can_fold, dtype_of, fold, folds, limited
from .cut import slice_table, split_sizes

__all__ = ["LARGEST", "Unfit", "can_fold", "dtype_of", "fold", "folds", "limited", "slice_table", "split_sizes"]

FAMILIES = (
    activation, arithmetic, cast, creation, cut, detection, indexing, logic, matrix, movement, norm, pad,
    reduce, resize, sample, selection, window,
)  # fmt: skip
"""modules that register evaluators by being imported"""
