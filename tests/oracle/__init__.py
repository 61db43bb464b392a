"""Naive references: what each operation means, written to be read, and slow.

An oracle imports numpy and its siblings here, and nothing that it judges. Each file says its formula once, in the
plainest NumPy that is obviously right; speed does not count. `tests/oracle_check` holds the oracles themselves
against truth from elsewhere: onnxruntime, published numbers, numbers worked by hand, and central differences for
every gradient.

Conventions, the same in every file:

- Activations are NHWC, weights HWIO, as in the library. Padding is explicit: `((top, bottom), (left, right))`.
- Arithmetic is done and returned in float64 whatever float came in (`wide`); integers are computed in int64. Files
  which only move numbers (`movement`) keep the dtype, so that a comparison with them can be exact.
- Arrays in, arrays out, attributes by keyword. No oracle writes to its inputs.
- `f_dx(dy, …)` is the gradient of `sum(dy * f(x, …))` with respect to `x`; `f_grad(dy, …)` is a tuple of gradients.
- NaN and infinity go where IEEE arithmetic sends them, without a warning.
"""

import numpy as np


def wide(x):
    """x as an array of float64 (or wider) where it holds floats, of int64 where it holds integers."""
    x = np.asarray(x)
    if x.dtype.kind == "f":
        return x.astype(np.result_type(x.dtype, np.float64))
    return x.astype(np.int64) if x.dtype.kind in "iu" else x


def quiet():
    """A context, or a decorator, in which NaN, infinity and division by zero are values and not warnings."""
    return np.errstate(all="ignore")
