"""Functions on arrays against the same functions in a compiled program."""

import numpy as np
import pytest

from edgenet import ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph
from edgenet.ops.arrays import _MEANINGS, on_arrays

CALLS = {
    "add": lambda a, b, n: a + b,
    "sub": lambda a, b, n: a - b,
    "mul": lambda a, b, n: a * b,
    "div": lambda a, b, n: a / b,
    "maximum": lambda a, b, n: ops.maximum(a, b),
    "minimum": lambda a, b, n: ops.minimum(a, b),
    "equal": lambda a, b, n: ops.equal(n, ops.argmax(a, -1)),
    "greater": lambda a, b, n: ops.greater(a, b),
    "greater_equal": lambda a, b, n: ops.greater_equal(a, b),
    "exp": lambda a, b, n: ops.exp(a),
    "log": lambda a, b, n: ops.log(ops.abs(a)),
    "sqrt": lambda a, b, n: ops.sqrt(a),
    "square": lambda a, b, n: ops.square(a),
    "abs": lambda a, b, n: ops.abs(a),
    "tanh": lambda a, b, n: ops.tanh(a),
    "sum": lambda a, b, n: ops.sum(a, axis=0),
    "mean": lambda a, b, n: ops.mean(a, axis=1, keepdims=True),
    "max": lambda a, b, n: ops.max(a, axis=1),
    "min": lambda a, b, n: ops.min(a),
    "argmax": lambda a, b, n: ops.argmax(a, -1),
    "sign": lambda a, b, n: ops.sign(a),
    "floor": lambda a, b, n: ops.floor(3 * a),
    "ceil": lambda a, b, n: ops.ceil(3 * a),
    "round": lambda a, b, n: ops.round(3 * a),
    "sin": lambda a, b, n: ops.sin(a),
    "cos": lambda a, b, n: ops.cos(a),
    "prod": lambda a, b, n: ops.prod(a, axis=1),
    "matmul": lambda a, b, n: ops.expand_dims(a, 0) @ ops.expand_dims(ops.transpose(a), 0),
    "where": lambda a, b, n: ops.where(a > b, a, 2.0),
    "power": lambda a, b, n: ops.abs(a) ** b,
    "cast": lambda a, b, n: ops.cast(ops.cast(a * 9, "int32"), "float32"),
    "relu": lambda a, b, n: ops.relu(a),
    "leaky_relu": lambda a, b, n: ops.leaky_relu(a, 0.3),
    "clip": lambda a, b, n: ops.clip(a, -0.5, 1.0),
    "sigmoid": lambda a, b, n: ops.sigmoid(a),
    "softmax": lambda a, b, n: ops.softmax(a),
    "log_softmax": lambda a, b, n: ops.log_softmax(a, axis=0),
    "reshape": lambda a, b, n: ops.reshape(a, (4, -1)),
    "transpose": lambda a, b, n: ops.transpose(a, (1, 0)),
    "broadcast_to": lambda a, b, n: ops.broadcast_to(b, (3, 6, 4)),
    "concat": lambda a, b, n: ops.concat([a, b], axis=0),
    "flat": lambda a, b, n: ops.flat(a, b),
    "slice": lambda a, b, n: ops.slice_(a, [1, None], [None, -1], [2, 1]),
    "pad": lambda a, b, n: ops.pad(a, [(1, 0), (2, 3)], 1.5),
    "dense": lambda a, b, n: ops.dense(a, b, transpose_w=True),
    "one_hot": lambda a, b, n: ops.one_hot(n, 4),
    "sparse_softmax_cross_entropy": lambda a, b, n: ops.sparse_softmax_cross_entropy(a, n),
    "softmax_cross_entropy": lambda a, b, n: ops.softmax_cross_entropy(a, b),
    "sigmoid_cross_entropy": lambda a, b, n: ops.sigmoid_cross_entropy(a, b),
}


@pytest.mark.parametrize("name", sorted(_MEANINGS))
def test_every_op_means_what_its_kernel_computes(name):
    rng = np.random.default_rng(1)
    a, b = (rng.normal(size=s).astype(np.float32) for s in ((6, 4), (6, 4)))
    a[2, 1] = np.nan if name == "relu" else a[2, 1]
    b = b[:1] if name == "broadcast_to" else b
    labels = np.array([0, 3, 1, 4, -1, 2], np.int32)  # two lie outside
    graph = Graph()
    values = [graph.input(a.shape), graph.input(b.shape), graph.input(labels.shape, "int32")]
    graph.outputs = [CALLS[name](*values)]
    assert name in {node.op for node in graph.nodes}
    (wanted,) = compile_graph(graph).run(a, b, labels)
    np.testing.assert_allclose(on_arrays(CALLS[name], a, b, labels), wanted, rtol=2e-6, atol=1e-6)


def test_numbers_are_computed_in_double_precision():
    assert on_arrays(lambda x: x / 3.0 + 0.1, [1.0])[0] == 1 / 3 + 0.1
    assert on_arrays(lambda x: ops.greater(x, 0.3), np.array([0.3], np.float32))[0] == 0


def test_an_op_without_a_meaning_is_named():
    with pytest.raises(NotImplementedError, match="max_pool cannot be computed on NumPy arrays here"):
        on_arrays(lambda x: ops.max_pool(x, (2, 2)), np.zeros((1, 4, 4, 1)))
