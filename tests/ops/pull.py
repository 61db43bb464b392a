"""Gradients of one op through the compiler, and central differences of an oracle to judge them."""

import numpy as np
from numpy.testing import assert_allclose
from ops.run import run

from edgenet.graph import emit, gradients
from oracle.difference import central_difference
from tolerance import tolerance


def pull(function, *arrays, dy, wrt=None, threads=None, **attrs):
    """Gradients of sum(dy · function(*arrays, **attrs)) with respect to the arrays whose numbers are in `wrt` (all)."""
    wrt = range(len(arrays)) if wrt is None else wrt

    def backward(*values):
        *xs, weights = values
        y = function(*xs, **attrs)
        loss = emit("sum", [y * weights], axes=tuple(range(y.spec.rank)), keepdims=False)
        return [emit("broadcast_to", [d], shape=d.shape) for d in gradients(loss, [xs[i] for i in wrt])]

    return run(backward, *arrays, np.asarray(dy, np.float32), threads=threads)


def check_gradient(function, oracle, *arrays, seed, wrt=None, k=1, scale=1.0, **attrs):
    """Compare gradients of an op with central differences of its oracle, which takes float64 arrays."""
    wrt = range(len(arrays)) if wrt is None else wrt
    wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    y = oracle(*wide)
    dy = np.random.default_rng([seed, 7]).standard_normal(np.shape(y)).astype(np.float32)
    got = pull(function, *arrays, dy=dy, wrt=wrt, **attrs)
    for d, i in zip(got, wrt, strict=True):
        want = central_difference(lambda x, i=i: oracle(*wide[:i], x, *wide[i + 1 :]), wide[i], dy.astype(np.float64))
        rtol, atol = tolerance(np.float32, k)
        assert d.shape == arrays[i].shape, f"seed {seed}"
        assert_allclose(d, want, rtol * scale, atol * scale, err_msg=f"seed {seed}, input {i}")


def bits_equal(a, b):
    """Whether two arrays hold the same bits, NaN included."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
