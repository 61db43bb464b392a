"""Recurrent layers, step by step.

lstm    i, o, f = s(parts of x w + b + h r), g = tanh(the last part); c' = f c + i g; h' = o tanh(c')
gru     z, s = s(first parts of x w + b + h r + rb); n = tanh(p + s q) with the last parts; h' = (1 - z) n + z h
"""

import numpy as np

from oracle import wide
from oracle.activation import sigmoid


def _order(steps, reverse):
    return range(steps)[:: -1 if reverse else 1]


def lstm(x, w, r, b=None, h0=None, c0=None, reverse=False):
    x, w, r = wide(x), wide(w), wide(r)
    hidden = len(r)
    b = 0 if b is None else wide(b)
    h, c = (np.zeros((x.shape[1], hidden)) if s is None else wide(s) for s in (h0, c0))
    y = np.empty((*x.shape[:2], hidden))
    for t in _order(len(x), reverse):
        i, o, f, g = np.split(x[t] @ w + b + h @ r, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        y[t] = h = sigmoid(o) * np.tanh(c)
    return y, c


def gru(x, w, r, b=None, rb=None, h0=None, reverse=False):
    x, w, r = wide(x), wide(w), wide(r)
    hidden = len(r)
    b, rb = (0 if v is None else wide(v) for v in (b, rb))
    h = np.zeros((x.shape[1], hidden)) if h0 is None else wide(h0)
    y = np.empty((*x.shape[:2], hidden))
    for t in _order(len(x), reverse):
        (pz, ps, p), (qz, qs, q) = (np.split(v, 3, axis=1) for v in (x[t] @ w + b, h @ r + rb))
        z, n = sigmoid(pz + qz), np.tanh(p + sigmoid(ps + qs) * q)
        y[t] = h = (1 - z) * n + z * h
    return y
