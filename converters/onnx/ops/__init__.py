"""Converters by family, importer and exporter of an op side by side; importing this package registers them."""

import edgenet.ops  # noqa: F401  registers the ops that importers emit

from . import (
    activation,
    conv,
    curve,
    cut,
    einsum,
    elementwise,
    function,
    gather,
    gemm,
    loss,
    movement,
    norm,
    pool,
    recurrent,
    reduce,
    resample,
    resize,
    select,
    shape,
    training,
)

__all__ = [
    "activation",
    "conv",
    "curve",
    "cut",
    "einsum",
    "elementwise",
    "function",
    "gather",
    "gemm",
    "loss",
    "movement",
    "norm",
    "pool",
    "recurrent",
    "reduce",
    "resample",
    "resize",
    "select",
    "shape",
    "training",
]
