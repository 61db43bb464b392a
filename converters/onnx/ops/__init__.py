"""Converters by family, importer and exporter of an op side by side; importing this package registers them."""

import edgenet.ops  # noqa: F401  registers the ops that importers emit

from . import (
    activation,
    contrib,
    conv,
    curve,
    cut,
    elementwise,
    gemm,
    loss,
    movement,
    norm,
    pool,
    quantize,
    quantize_values,
    reduce,
    resize,
    shape,
    training,
)

__all__ = [
    "activation",
    "contrib",
    "conv",
    "curve",
    "cut",
    "elementwise",
    "gemm",
    "loss",
    "movement",
    "norm",
    "pool",
    "quantize",
    "quantize_values",
    "reduce",
    "resize",
    "shape",
    "training",
]
