"""Functions of a float32 that are computed in float64: rarer than those of `math`, and right without any care.

In float64 a plain reduction and a plain series have 29 bits to lose before the float32 result shows it, so the
formulas are those of a textbook.  Loops over them are vectorised, with half as many lanes as those of `math`.  NaN
stays NaN.

::

    exp       2^n · e^r, |r| <= ln(2)/2, by Taylor's series
    log       n·ln 2 + 2·(s + s³/3 + s⁵/5 + …), s = (m - 1) / (m + 1), √½ <= m < √2
    sin cos   x = q·π/2 + r, |r| <= π/4, by Taylor's series; NaN where |x| >= 2³⁰, which names no angle in float32
    atan      of u = a, 1/a, or (u - 1) / (u + 1) beyond tan π/8, by Taylor's series
"""

from typing import Any

import numpy as np

from .compiler import device
from .generators import bits_wide, number_wide, wide_root

LN2, LOG2E, PI, HALF_PI = float(np.log(2)), float(1 / np.log(2)), float(np.pi), float(np.pi / 2)
QUARTER_PI, TWO_OVER_PI = float(np.pi / 4), float(2 / np.pi)
INF, NAN = float(np.inf), float(np.nan)
#: fields of a float64: bits of √½, of a fraction; width of a fraction and bias of an exponent
ROOT_HALF, FRACTION = np.int64(0x3FE6A09E667F3BCD), np.int64((1 << 52) - 1)
FRACTION_BITS, BIAS = np.int64(52), np.int64(1023)
#: beyond these a result in float32 is infinite or 0; angles end there; tan π/8
EXP_END, ANGLES, EIGHTH = 700.0, float(2**30), float(2**0.5 - 1)


@device
def exp(x: Any) -> Any:
    """e^x for a float64; 0 and something beyond every float32 where |x| > 700."""
    t = -EXP_END if x < -EXP_END else x
    t = EXP_END if t > EXP_END else t
    whole = t * LOG2E
    n = np.int32(0.0 if t != t else whole + (0.5 if whole >= 0.0 else -0.5))
    r = t - n * LN2
    p = 1.0 / 39916800
    p = p * r + 1.0 / 3628800
    p = p * r + 1.0 / 362880
    p = p * r + 1.0 / 40320
    p = p * r + 1.0 / 5040
    p = p * r + 1.0 / 720
    p = p * r + 1.0 / 120
    p = p * r + 1.0 / 24
    p = p * r + 1.0 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    return p * number_wide(np.int64((np.int64(n) + BIAS) << FRACTION_BITS))


@device
def log(x: Any) -> Any:
    """Natural logarithm of a float64 that is 0 or normal: -inf at 0, NaN below."""
    i = np.int64(bits_wide(x) - ROOT_HALF)
    n = np.float64(np.int32(i >> FRACTION_BITS))
    m = number_wide(np.int64((i & FRACTION) + ROOT_HALF))
    s = (m - 1.0) / (m + 1.0)
    u = s * s
    p = 1.0 / 17
    p = p * u + 1.0 / 15
    p = p * u + 1.0 / 13
    p = p * u + 1.0 / 11
    p = p * u + 1.0 / 9
    p = p * u + 1.0 / 7
    p = p * u + 1.0 / 5
    p = p * u + 1.0 / 3
    y = n * LN2 + (2.0 * s + 2.0 * s * u * p)
    y = y if x > 0.0 else (-INF if x == 0.0 else NAN)
    return y if x < INF else x


@device
def _angle(x: Any) -> Any:
    """(sin r, cos r, q) of x = q·π/2 + r."""
    near = np.float64(x)
    t = near if abs(near) < ANGLES else 0.0
    turns = t * TWO_OVER_PI
    q = np.int32(turns + (0.5 if turns >= 0.0 else -0.5))
    r = (near if abs(near) < ANGLES else NAN) - q * HALF_PI
    u = r * r
    s = 1.0 / 6227020800
    s = s * u - 1.0 / 39916800
    s = s * u + 1.0 / 362880
    s = s * u - 1.0 / 5040
    s = s * u + 1.0 / 120
    s = s * u - 1.0 / 6
    c = -1.0 / 87178291200
    c = c * u + 1.0 / 479001600
    c = c * u - 1.0 / 3628800
    c = c * u + 1.0 / 40320
    c = c * u - 1.0 / 720
    c = c * u + 1.0 / 24
    c = c * u - 0.5
    return r + r * (u * s), 1.0 + u * c, q


@device
def sin(x: Any) -> Any:
    """The sine of an angle in radians."""
    s, c, q = _angle(x)
    y = c if (q & np.int32(1)) != 0 else s
    return np.float32(-y if (q & np.int32(2)) != 0 else y)


@device
def cos(x: Any) -> Any:
    """The cosine of an angle in radians."""
    s, c, q = _angle(x)
    y = s if (q & np.int32(1)) != 0 else c
    return np.float32(-y if ((q + np.int32(1)) & np.int32(2)) != 0 else y)


@device
def tan(x: Any) -> Any:
    """The tangent of an angle in radians."""
    s, c, q = _angle(x)
    odd = (q & np.int32(1)) != 0
    return np.float32((-c if odd else s) / (s if odd else c))


@device
def _arc(x: Any) -> Any:
    """The angle whose tangent is a float64."""
    a = abs(x)
    steep = a > 1.0
    a = 1.0 / a if steep else a
    high = a > EIGHTH
    v = (a - 1.0) / (a + 1.0) if high else a
    u = v * v
    p = -1.0 / 23
    p = p * u + 1.0 / 21
    p = p * u - 1.0 / 19
    p = p * u + 1.0 / 17
    p = p * u - 1.0 / 15
    p = p * u + 1.0 / 13
    p = p * u - 1.0 / 11
    p = p * u + 1.0 / 9
    p = p * u - 1.0 / 7
    p = p * u + 1.0 / 5
    p = p * u - 1.0 / 3
    y = v + v * (u * p)
    y = y + QUARTER_PI if high else y
    y = HALF_PI - y if steep else y
    return -y if x < 0.0 else y


@device
def atan(x: Any) -> Any:
    """The angle whose tangent is x."""
    return np.float32(_arc(np.float64(x)))


@device
def asin(x: Any) -> Any:
    """The angle whose sine is x; NaN outside of [-1, 1]."""
    v = np.float64(x)
    return np.float32(_arc(v / wide_root((1.0 - v) * (1.0 + v))))


@device
def acos(x: Any) -> Any:
    """The angle whose cosine is x; NaN outside of [-1, 1]."""
    v = np.float64(x)
    return np.float32(2.0 * _arc(wide_root((1.0 - v) / (1.0 + v))))


@device
def sinh(x: Any) -> Any:
    """(e^x - e^-x) / 2."""
    v = np.float64(x)
    e = exp(v)
    y = 0.5 * (e - 1.0 / e)
    return np.float32(v + v * v * v / 6.0 if abs(v) < 1e-2 else y)


@device
def cosh(x: Any) -> Any:
    """(e^x + e^-x) / 2."""
    e = exp(np.float64(x))
    return np.float32(0.5 * (e + 1.0 / e))


@device
def asinh(x: Any) -> Any:
    """log(x + √(x² + 1))."""
    v = np.float64(x)
    a = abs(v)
    y = log(a + wide_root(a * a + 1.0))
    y = -y if v < 0.0 else y
    return np.float32(v - v * v * v / 6.0 if a < 1e-2 else y)


@device
def acosh(x: Any) -> Any:
    """log(x + √(x² - 1)); NaN below 1."""
    v = np.float64(x)
    y = log(v + wide_root((v - 1.0) * (v + 1.0)))
    return np.float32(NAN) if v < 1.0 else np.float32(y)


@device
def atanh(x: Any) -> Any:
    """log((1 + x) / (1 - x)) / 2; NaN outside of [-1, 1]."""
    v = np.float64(x)
    a = abs(v)
    y = 0.5 * log((1.0 + a) / (1.0 - a))
    y = -y if v < 0.0 else y
    return np.float32(v + v * v * v / 3.0 if a < 1e-2 else y)


@device
def power(x: Any, p: Any) -> Any:
    """x^p as the C library defines it: NaN for a negative x unless p is whole; x^0 and 1^p are 1 whatever the other is.

    A p of more than 2³¹ counts as even, as every float32 from 2²⁴ on is.
    """
    v, w = np.float64(x), np.float64(p)
    a = abs(v)
    y = exp(w * log(a))
    small = abs(w) < 1e9
    n = np.int32(w if small else 0.0)
    whole = (np.float64(n) == w) if small else w == w
    odd = (n & np.int32(1)) != 0
    negative = v < 0.0
    y = -y if negative and odd else y
    y = NAN if negative and not whole and a < INF else y
    y = 1.0 if w == 0.0 or v == 1.0 or (a == 1.0 and abs(w) == INF) else y
    return np.float32(y)


@device
def remainder(x: Any, y: Any) -> Any:
    """What is left of x after as many whole y as fit, with the sign of x (C's fmod); exact while x / y < 2²⁹."""
    a, b = np.float64(x), abs(np.float64(y))
    q = abs(a) / b
    small = q < 1e9
    n = np.float64(np.int32(q if small else 0.0))
    r: Any = abs(a) - n * b
    r = r + b if r < 0.0 else r
    r = r - b if r >= b else r
    r = -r if a < 0.0 else r
    infinite = b == INF and abs(a) < INF
    r = a if infinite else (r if small else NAN)
    return np.float32(r)
