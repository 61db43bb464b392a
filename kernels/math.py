"""exp, log, tanh, sigmoid, erf and their kin in float32, as scalar functions that LLVM turns into vector loops.

The C library's functions are calls, and a loop with a call is not vectorised.  These here are straight lines of
arithmetic, with a choice between two numbers in place of every branch.

- *Range reduction* after Cody and Waite (Software Manual for the Elementary Functions, 1980)::

      e^x = 2^n · e^r                     n = round(x / ln 2),  r = x - n·C1 - n·C2,  |r| <= ln(2)/2
      log x = n·C1 + n·C2 + log(1 + f)    x = 2^n · (1 + f),  √½ <= 1 + f < √2

  C1 + C2 = ln 2, where C1 = 355/512 has so few bits that n·C1 is exact.
- *Polynomials* are minimax fits in relative error by Lawson's iteration; the error of each stands beside it, in units
  of 2^-24.
- *Rounding and scaling by bits*: adding 1.5·2^23 leaves the rounded integer in the lowest bits of a float; 2^n is a
  float whose exponent field is n + 127.  2^n is multiplied in two halves, so results may overflow or be subnormal.

All results are within 2 units in the last place, also where they are subnormal; NaN stays NaN.  `simd.muladd` and its
like keep LLVM from reassociating what the reductions rest on.
"""

from typing import Any

import numpy as np

from .compiler import device
from .generators import absolute, bits, divide, minus, muladd, number, plus, times

ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)
INF, NAN = np.float32(np.inf), np.float32(np.nan)
C1, C2 = np.float32(355 / 512), np.float32(-2.12194440e-4)
LOG2E = np.float32(1.4426950408889634)

#: 1.5·2^23, and its bits
ROUND, ROUND_BITS = np.float32(12582912.0), np.int32(0x4B400000)
BIAS, FRACTION_BITS = np.int32(127), np.int32(23)

#: beyond these e^x is infinite, or less than half of the smallest subnormal
EXP_LOW, EXP_HIGH = np.float32(-104.0), np.float32(89.0)
#: e^r = 1 + r + r²·(E0 + E1 r + … + E4 r⁴), error 0.05
E0, E1, E2, E3, E4 = (
    np.float32(c) for c in (0.49999993, 0.16666520, 0.041668394, 0.0083687804, 0.0013814467)
)  # fmt: skip

#: half of ln 2: down to there e^x needs no reduction
EXPM1_SMALL = np.float32(0.34)

#: √½ as bits, the bits of a fraction, the smallest normal number, and 2^23, which makes subnormal numbers normal
ROOT_HALF, FRACTION = np.int32(0x3F3504F3), np.int32(0x7FFFFF)
NORMAL, LIFT, LIFT_BITS = np.float32(2.0**-126), np.float32(2.0**23), np.float32(23)
#: log(1 + f) = f - f²/2 + f³·(L0 + L1 f + … + L7 f⁷), error 0.1
L0, L1, L2, L3, L4, L5, L6, L7 = (
    np.float32(c)
    for c in (
        0.33333331707804764, -0.25000821035500864, 0.20001226865403557, -0.16623357298095418,
        0.14201758233817519, -0.1316018306271709, 0.12761575643462128, -0.07634493023228577,
    )
)  # fmt: skip

#: tanh x = x + x³·(T0 + T1 x² + … + T4 x⁸) below TANH_SMALL, error 0.07
TANH_SMALL = np.float32(0.625)
T0, T1, T2, T3, T4 = (
    np.float32(c)
    for c in (-0.3333328194184376, 0.13331442194749354, -0.05373971484584065, 0.020639086568305424,
              -0.00570498632760015)
)  # fmt: skip
#: erf x = x + x·(F0 + F1 x² + … + F5 x¹⁰) below ERF_SMALL, error 0.3
ERF_SMALL = np.float32(0.93)
F0, F1, F2, F3, F4, F5 = (
    np.float32(c)
    for c in (0.12837915122509003, -0.3761247992515564, 0.11281682550907135, -0.026761723682284355,
              0.00498594343662262, -0.0005953752552159131)
)  # fmt: skip
#: 1 - erf x = e^-(x + x·(G0 + G1 x + … + G6 x⁶)) from there to ERF_LARGE, error 0.02 in erf; 1 is the nearest beyond
ERF_LARGE = np.float32(4)
G0, G1, G2, G3, G4, G5, G6 = (
    np.float32(c)
    for c in (0.12865421175956726, 0.6351280808448792, 0.10627518594264984, -0.023795001208782196,
              0.0036580075975507498, -0.0003266221028752625, 1.1612245543801691e-05)
)  # fmt: skip

#: sin a = a + a³·(S0 + S1 a² + …) and cos a = 1 + a²·(K0 + K1 a² + …) for |a| <= π/4: Taylor's series
TAU, QUARTERS, QUARTER = np.float32(2 * np.pi), np.float32(4), np.float32(0.25)
S0, S1, S2, S3 = (np.float32(c) for c in (-1 / 6, 1 / 120, -1 / 5040, 1 / 362880))
K0, K1, K2, K3 = (np.float32(c) for c in (-1 / 2, 1 / 24, -1 / 720, 1 / 40320))

SIGN, MAGNITUDE = np.int32(-0x80000000), np.int32(0x7FFFFFFF)

#: the smallest rank of a number, below that of -inf
LOWEST = np.int32(-0x80000000)


@device
def exp(x: Any) -> Any:
    """e^x."""
    x = EXP_LOW if x < EXP_LOW else x
    x = EXP_HIGH if x > EXP_HIGH else x
    shifted = muladd(x, LOG2E, ROUND)
    n = np.int32(bits(shifted) - ROUND_BITS)
    real_n = minus(shifted, ROUND)
    high, low = muladd(real_n, -C1, x), times(real_n, -C2)  # r = high + low; low enters twice, to be rounded late
    r = plus(high, low)
    q = muladd(muladd(muladd(muladd(E4, r, E3), r, E2), r, E1), r, E0)
    y = plus(plus(high, muladd(q, times(r, r), low)), ONE)
    half = np.int32(n >> 1)
    rest = np.int32(n - half)
    y = times(y, number(np.int32((half + BIAS) << FRACTION_BITS)))
    return times(y, number(np.int32((rest + BIAS) << FRACTION_BITS)))


@device
def log(x: Any) -> Any:
    """Natural logarithm: -inf at 0, NaN below."""
    small = x < NORMAL
    i = np.int32(bits(times(x, LIFT) if small else x) - ROOT_HALF)
    n = np.float32(np.int32(i >> FRACTION_BITS))
    n = minus(n, LIFT_BITS) if small else n
    f = minus(number(np.int32((i & FRACTION) + ROOT_HALF)), ONE)
    f2 = times(f, f)
    p = muladd(muladd(muladd(muladd(L7, f, L6), f, L5), f, L4), f, L3)
    p = muladd(muladd(muladd(p, f, L2), f, L1), f, L0)
    y = muladd(n, C2, times(times(p, f), f2))
    y = muladd(-HALF, f2, y)
    y = muladd(n, C1, plus(f, y))
    y = y if x > ZERO else (-INF if x == ZERO else NAN)
    return y if x < INF else x


@device
def log1p_small(x: Any) -> Any:
    """log(1 + x) for 0 <= x <= 1: log u plus what rounding u = 1 + x has lost, over u (after Goldberg 1991)."""
    u = plus(ONE, x)
    return plus(log(u), divide(minus(x, minus(u, ONE)), u))


@device
def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x) = c - c·e / (1 + e), where e = e^-|x| cannot overflow and c is e for x < 0, else 1."""
    e = exp(-absolute(x))
    c = e if x < ZERO else ONE
    return muladd(-c, divide(e, plus(ONE, e)), c)


@device
def tanh(x: Any) -> Any:
    """tanh x = 1 - 2 / (e^2x + 1), by a polynomial near 0, where that would cancel."""
    a = absolute(x)
    u = times(x, x)
    t = muladd(muladd(muladd(muladd(T4, u, T3), u, T2), u, T1), u, T0)
    near = muladd(times(t, u), a, a)
    far = minus(ONE, divide(TWO, plus(exp(times(TWO, a)), ONE)))
    y = near if a < TANH_SMALL else far
    return number(np.int32(bits(y) | (bits(x) & SIGN)))


@device
def expm1_below(x: Any) -> Any:
    """e^x - 1 for x <= 0, by the polynomial of `exp` near 0, where that would cancel."""
    q = muladd(muladd(muladd(muladd(E4, x, E3), x, E2), x, E1), x, E0)
    near = muladd(q, times(x, x), x)
    far = minus(exp(x), ONE)
    return far if x < -EXPM1_SMALL else near


@device
def erf(x: Any) -> Any:
    """2/√π · ∫ e^-t² dt from 0 to x."""
    a, u = absolute(x), times(x, x)
    p = muladd(muladd(muladd(muladd(muladd(F5, u, F4), u, F3), u, F2), u, F1), u, F0)
    near = muladd(p, x, x)
    t = ERF_LARGE if a > ERF_LARGE else a
    q = muladd(muladd(muladd(muladd(muladd(muladd(G6, t, G5), t, G4), t, G3), t, G2), t, G1), t, G0)
    far = minus(ONE, exp(-muladd(q, t, t)))
    far = number(np.int32(bits(far) | (bits(x) & SIGN)))
    return near if a < ERF_SMALL else far


@device
def circle(turns: Any) -> Any:
    """(cos, sin) of 2π·`turns`, for |turns| below 2^20; accurate to 2^-22, not relative to small results."""
    shifted = muladd(turns, QUARTERS, ROUND)
    quarter = np.int32(bits(shifted) - ROUND_BITS)
    a = times(TAU, muladd(minus(shifted, ROUND), -QUARTER, turns))
    u = times(a, a)
    s = muladd(times(a, u), muladd(muladd(muladd(S3, u, S2), u, S1), u, S0), a)
    c = muladd(u, muladd(muladd(muladd(K3, u, K2), u, K1), u, K0), ONE)
    odd = (quarter & np.int32(1)) != 0
    x, y = (s if odd else c), (c if odd else s)
    x = -x if ((quarter + np.int32(1)) & np.int32(2)) != 0 else x
    y = -y if (quarter & np.int32(2)) != 0 else y
    return x, y


@device
def softplus(x: Any) -> Any:
    """log(1 + e^x) = max(x, 0) + log(1 + e^-|x|)."""
    positive = ZERO if x < ZERO else x
    return plus(positive, log1p_small(exp(-absolute(x))))


@device
def rank(x: Any) -> Any:
    """The bits of x as an int32 that sorts like x: integer maxima are vectorised where those of floats are not.

    A NaN lies above inf or, with its sign bit set, below -inf.
    """
    i = bits(x)
    return np.int32(i ^ (np.int32(i >> np.int32(31)) & MAGNITUDE))


@device
def unrank(i: Any) -> Any:
    """The number of a rank: ``unrank(rank(x))`` is x."""
    i = np.int32(i)
    return number(np.int32(i ^ (np.int32(i >> np.int32(31)) & MAGNITUDE)))
