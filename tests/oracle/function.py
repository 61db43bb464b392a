"""Functions that networks use now and then: each is NumPy's own, in float64."""

import numpy as np

from oracle import quiet, wide

NAMES = {
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "floor": np.floor, "ceil": np.ceil, "round": np.round, "sign": np.sign,
}  # fmt: skip


@quiet()
def unary(name, x):
    return NAMES[name](wide(x))


@quiet()
def prelu(x, slope):
    return np.where(wide(x) < 0, wide(x) * wide(slope), wide(x))


@quiet()
def remainder(a, b):
    return np.fmod(wide(a), wide(b))
