"""Functions that networks use now and then: the angles and their kin, rounding, and some of two numbers.

::

    y = f(x)            sin cos tan asin acos atan sinh cosh asinh acosh atanh floor ceil round sign
    y = f(a, b)         remainder of a / b with the sign of a; prelu: a·b below 0, else a; operands broadcast as in
                        `elementwise`

Each is one of the loops of `elementwise`.
"""

import numpy as np

from .. import wide
from ..generators import absolute, bits, minus, number, plus
from .elementwise import _binary, _unary

ZERO, ONE = np.float32(0), np.float32(1)
#: from here on a float32 has no fraction
WHOLE = np.float32(2**23)
SIGN = np.int32(-0x80000000)


def _sin(x):
    return wide.sin(x)


def _cos(x):
    return wide.cos(x)


def _tan(x):
    return wide.tan(x)


def _asin(x):
    return wide.asin(x)


def _acos(x):
    return wide.acos(x)


def _atan(x):
    return wide.atan(x)


def _sinh(x):
    return wide.sinh(x)


def _cosh(x):
    return wide.cosh(x)


def _asinh(x):
    return wide.asinh(x)


def _acosh(x):
    return wide.acosh(x)


def _atanh(x):
    return wide.atanh(x)


def _floor(x):
    small = absolute(x) < WHOLE
    t = np.float32(np.int32(x if small else ZERO))
    t = minus(t, ONE) if t > x else t
    return t if small else x


def _ceil(x):
    small = absolute(x) < WHOLE
    t = np.float32(np.int32(x if small else ZERO))
    t = plus(t, ONE) if t < x else t
    return t if small else x


def _round(x):
    a = absolute(x)
    t = minus(plus(a, WHOLE), WHOLE)  # the addition rounds as IEEE arithmetic does: halves to even
    t = t if a < WHOLE else a
    return number(np.int32(bits(t) | (bits(x) & SIGN)))


def _sign(x):
    y = ONE if x > ZERO else x
    return -ONE if x < ZERO else y


def _remainder(a, b):
    return wide.remainder(a, b)


def _prelu(a, b):
    return a * b if a < ZERO else a


sin, cos, tan, asin, acos, atan = (_unary(f) for f in (_sin, _cos, _tan, _asin, _acos, _atan))
sinh, cosh, asinh, acosh, atanh = (_unary(f) for f in (_sinh, _cosh, _asinh, _acosh, _atanh))
floor, ceil, round_of, sign = (_unary(f) for f in (_floor, _ceil, _round, _sign))
remainder, prelu = _binary(_remainder), _binary(_prelu)
