"""A whole graph in float64: node by node, by the oracle of each op.

It reads a graph (nodes in order, each with `op`, `inputs`, `outputs`, `attrs`) and needs no other knowledge of it; no
kernel, lowering or pass has a part in the result.
"""

import numpy as np

from oracle import activation, conv, curve, elementwise, gather, gemm, movement, norm, reduce, resize
from oracle import pool as pools


def evaluate(nodes, known, results):
    """The arrays of `results`, given those of inputs and variables as a dict from values to arrays.

    Nodes without outputs (updates of variables) are passed over.  Raises KeyError for an op that has no meaning here.
    """
    known = dict(known)
    for node in nodes:
        if not node.outputs:
            continue
        arrays = [None if v is None else _array(v, known) for v in node.inputs]
        found = MEANINGS[node.op](*arrays, **node.attrs)
        known.update(zip(node.outputs, found if isinstance(found, tuple) else (found,), strict=True))
    return [_array(v, known) for v in results]


def _array(value, known):
    if value in known:
        return known[value]
    array = np.asarray(value.data)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _dense(x, w, b=None, res=None, transpose_x=False, transpose_w=False, activation=None):
    assert res is None
    assert activation is None
    return gemm.dense(x.T if transpose_x else x, w.T if transpose_w else w, b)


def _conv2d(x, w, b=None, res=None, activation=None, **window):
    assert res is None
    assert activation is None
    return conv.conv2d(x, w, b, **window)


def _batch_norm_train(x, gamma, beta, res=None, *, epsilon, activation=None):
    assert res is None
    assert activation is None
    zeros = np.zeros(gamma.shape)
    return norm.batch_norm_train(x, gamma, beta, zeros, zeros, epsilon=epsilon)[:3]


MEANINGS = {
    **{n: getattr(elementwise, n) for n in (
        "add", "sub", "mul", "div", "maximum", "minimum", "exp", "log", "sqrt", "square", "equal", "greater",
        "greater_equal")},
    **{n: getattr(activation, n) for n in ("relu", "clip", "sigmoid", "tanh", "softmax", "log_softmax")},
    **{n: getattr(curve, n) for n in ("erf", "elu", "silu", "gelu", "gelu_tanh", "hard_silu", "softplus", "mish")},
    **{n: getattr(reduce, f"reduce_{n}") for n in ("sum", "mean", "max", "min")},
    "abs": elementwise.absolute,
    "leaky_relu": lambda x, alpha: activation.leaky_relu(x, alpha),
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": movement.transpose,
    "concat": lambda *xs, axis: movement.concat(xs, axis),
    "slice": movement.strided_slice,
    "pad": lambda x, padding, value: movement.pad(x, padding, value),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
    "gather": gather.gather,
    "resize": lambda x, axis, size, mode: resize.resize(x, size, axis, mode),
    "dense": _dense,
    "conv2d": _conv2d,
    "conv2d_dx": conv.conv2d_dx,
    "max_pool": lambda x, pool, **window: pools.max_pool2d(x, pool, **window),
    "avg_pool": lambda x, pool, include_pad, **window: pools.average_pool2d(
        x, pool, include_padding=include_pad, **window),
    "batch_norm": norm.batch_norm,
    "batch_norm_train": _batch_norm_train,
}  # fmt: skip
