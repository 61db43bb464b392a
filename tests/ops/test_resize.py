"""resize against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from ops.pull import check_gradient
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import resize as oracle
from tolerance import tolerance


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (5, 1), (2, 4), (4, 6), (7, 3), (3, 7), (8, 8), (5, 10), (9, 4)])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_forward_and_gradient(n, m, axis, mode):
    shape = [2, 3, 4]
    shape[axis] = n
    x = np.random.default_rng([n, m]).standard_normal(shape).astype(np.float32)
    y = run(ops.resize, x, size=m, axis=axis, mode=mode)
    assert_allclose(y, oracle.resize(x, m, axis, mode), *tolerance(y.dtype, 2))
    check_gradient(
        ops.resize, lambda v: oracle.resize(v, m, axis, mode), x, seed=n, k=m + 2, size=m, axis=axis, mode=mode
    )


def test_refusals():
    x = Graph().input(("batch", 3))
    for attrs, words in [
        ({"size": 0, "axis": 1}, "sizes of at least 1"),
        ({"size": 2, "axis": 2}, "axis 2 is outside"),
        ({"size": 2, "axis": 0}, "got batch"),
        ({"size": 2, "axis": 1, "mode": "cubic"}, "mode nearest or linear"),
    ]:
        with pytest.raises(ShapeError, match=f"resize: .*{words}"):
            ops.resize(x, **attrs)
