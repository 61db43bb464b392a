"""layer_norm against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from ops.pull import check_gradient, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import layer_norm as oracle
from tolerance import tolerance


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 3, 33), (4, 2, 3, 64)])
@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("given", [(), (0,), (0, 1)])
def test_forward_and_gradient(shape, axes, center, given):
    rng = np.random.default_rng(len(shape))
    x = (rng.standard_normal(shape) + 0.5).astype(np.float32)
    vectors = [rng.standard_normal(shape[-axes:]).astype(np.float32) for _ in given]
    attrs = {"axes": axes, "center": center, "epsilon": 0.01}
    for y, want in zip(run(ops.layer_norm, x, *vectors, **attrs), oracle.layer_norm(x, *vectors, **attrs), strict=True):
        assert y.shape == want.shape
        assert_allclose(y, want, *tolerance(y.dtype, 64))
    check_gradient(
        lambda *v: ops.layer_norm(*v, **attrs)[0], lambda *v: oracle.layer_norm(*v, **attrs)[0], x, *vectors, seed=1,
        k=64, scale=10,
    )  # fmt: skip


def test_beta_without_gamma():
    x, beta = np.float32([[1, 2, 3]]), np.float32([1, 0, 0])
    want = oracle.layer_norm(x, None, beta)[0]
    assert_allclose(run(lambda a, b: ops.layer_norm(a, None, b)[0], x, beta), want, *tolerance(x.dtype, 3))


def test_refusals():
    x = Graph().input((2, 3))
    with pytest.raises(ShapeError, match="1 to 2 axes"):
        ops.layer_norm(x, axes=3)
    with pytest.raises(ShapeError, match="gamma of shape"):
        ops.layer_norm(x, np.ones(2, np.float32))
    with pytest.raises(TypeError, match="no gradient flows through"):
        pull(lambda v: ops.layer_norm(v)[1], np.ones((2, 3), np.float32), dy=np.ones(2))
