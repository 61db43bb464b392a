"""cumsum against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from ops.pull import check_gradient
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import cumulate as oracle
from tolerance import tolerance


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1, 1), (2, 7, 300)])
def test_forward_and_gradient(shape, axis, exclusive, reverse):
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    attrs = {"axis": axis, "exclusive": exclusive, "reverse": reverse}
    assert_allclose(run(ops.cumsum, x, **attrs), oracle.cumsum(x, **attrs), *tolerance(x.dtype, shape[axis]))
    if x.size < 100:
        check_gradient(ops.cumsum, lambda v: oracle.cumsum(v, **attrs), x, seed=1, k=shape[axis], **attrs)


def test_no_places():
    assert run(ops.cumsum, np.zeros((2, 0), np.float32), axis=1).shape == (2, 0)


def test_refusals():
    with pytest.raises(ShapeError, match="cumsum: axis 2 is outside"):
        ops.cumsum(Graph().input((2, 3)), axis=2)
