"""What training makes small.  A loss is a function of symbolic values, ``loss(y_true, y_pred) -> scalar``.

A loss of one's own is any function written with `edgenet.ops`; what it returns is averaged:

>>> from edgenet import ops
>>> def huber_like(y_true, y_pred):
...     d = ops.abs(y_pred - y_true)
...     return ops.minimum(ops.square(d), d)
>>> get(huber_like).name
'huber_like'
"""

from .crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from .loss import FunctionLoss, Loss, deserialize, get, serialize
from .regression import MeanAbsoluteError, MeanSquaredError, mean_absolute_error, mean_squared_error

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "FunctionLoss",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
]
