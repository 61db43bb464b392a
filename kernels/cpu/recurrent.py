"""One step of a recurrent cell behind its matrix products, and the gradient of the step.

::

    lstm    i o f g = the four parts of p;  i, o, f by the logistic function s, g by tanh
            c' = f·c + i·g        h' = o·tanh(c')
    gru     z = s(p_z + q_z)      r = s(p_r + q_r)      n = tanh(p_n + r·q_n)      h' = (1 - z)·n + z·h

p comes from the input of the step, q (in the LSTM a part of p) from the state h before it.  The LSTM's p becomes its
gates in place.  What the GRU has to remember stands in four parts: z, r, n and q_n.  A row is one sample, of `hidden`
numbers a part; one task is one row.  Sources: Hochreiter and Schmidhuber 1997; Cho et al. 2014, arXiv:1406.1078, with
the reset gate behind the product as in cuDNN.
"""

import numpy as np

from .. import math
from ..compiler import In, InOut, Out, i64, kernel

ONE = np.float32(1)


@kernel
def lstm_step(p: InOut, c: In, c_new: Out, h: Out, hidden: i64, lo: i64, hi: i64):
    """c' and h' of one step; p turns into i, o, f, g."""
    for row in range(lo, hi):
        a, s = row * 4 * hidden, row * hidden
        for j in range(3 * hidden):
            p[a + j] = math.sigmoid(p[a + j])
        for j in range(3 * hidden, 4 * hidden):
            p[a + j] = math.tanh(p[a + j])
        for j in range(hidden):
            v = p[a + 2 * hidden + j] * c[s + j] + p[a + j] * p[a + 3 * hidden + j]
            c_new[s + j] = v
            h[s + j] = p[a + hidden + j] * math.tanh(v)


@kernel
def lstm_step_dx(
    gates: In, c: In, c_new: In, dy: In, dh: In, dc: InOut, dp: Out, hidden: i64, lo: i64, hi: i64
):  # fmt: skip
    """dp of one step, from the gradients dy + dh of h' and dc of c'; dc becomes the gradient of c."""
    for row in range(lo, hi):
        a, s = row * 4 * hidden, row * hidden
        for j in range(hidden):
            i, o = gates[a + j], gates[a + hidden + j]
            f, g = gates[a + 2 * hidden + j], gates[a + 3 * hidden + j]
            t, d = math.tanh(c_new[s + j]), dy[s + j] + dh[s + j]
            through = dc[s + j] + d * o * (ONE - t * t)
            dp[a + j] = through * g * i * (ONE - i)
            dp[a + hidden + j] = d * t * o * (ONE - o)
            dp[a + 2 * hidden + j] = through * c[s + j] * f * (ONE - f)
            dp[a + 3 * hidden + j] = through * i * (ONE - g * g)
            dc[s + j] = through * f


@kernel
def gru_step(p: In, q: In, h: In, h_new: Out, kept: Out, hidden: i64, lo: i64, hi: i64):
    """h' of one step, and what its gradient needs."""
    for row in range(lo, hi):
        a, k, s = row * 3 * hidden, row * 4 * hidden, row * hidden
        for j in range(2 * hidden):
            kept[k + j] = math.sigmoid(p[a + j] + q[a + j])
        for j in range(hidden):
            last = q[a + 2 * hidden + j]
            n = math.tanh(p[a + 2 * hidden + j] + kept[k + hidden + j] * last)
            kept[k + 2 * hidden + j] = n
            kept[k + 3 * hidden + j] = last
            z = kept[k + j]
            h_new[s + j] = (ONE - z) * n + z * h[s + j]


@kernel
def gru_step_dx(
    kept: In, h: In, dy: In, dh: InOut, dp: Out, dq: Out, hidden: i64, lo: i64, hi: i64
):  # fmt: skip
    """dp and dq of one step, from the gradient dy + dh of h'; dh becomes the part of h's that goes round the cell."""
    for row in range(lo, hi):
        a, k, s = row * 3 * hidden, row * 4 * hidden, row * hidden
        for j in range(hidden):
            z, r = kept[k + j], kept[k + hidden + j]
            n, last = kept[k + 2 * hidden + j], kept[k + 3 * hidden + j]
            d = dy[s + j] + dh[s + j]
            dn = d * (ONE - z) * (ONE - n * n)
            dz = d * (h[s + j] - n) * z * (ONE - z)
            dr = dn * last * r * (ONE - r)
            dp[a + j] = dz
            dp[a + hidden + j] = dr
            dp[a + 2 * hidden + j] = dn
            dq[a + j] = dz
            dq[a + hidden + j] = dr
            dq[a + 2 * hidden + j] = dn * r
            dh[s + j] = d * z
