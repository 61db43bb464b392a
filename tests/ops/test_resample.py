"""resample and take against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import check_gradient
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError, emit
from edgenet.ops.resample import Taps, take
from oracle import resample as oracle
from tolerance import tolerance


def matrix(seed, m, n):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((m, n)) * (rng.random((m, n)) < 0.4)).astype(np.float32)


def taps_of(full):
    return Taps.of_rows(full.shape[1], [list(enumerate(row.tolist())) for row in full])


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 3), (3, 9), (8, 8)])
def test_forward_and_gradient(m, n, axis):
    shape, full = [2, 3, 4], matrix(m, m, n)
    shape[axis] = n
    x = np.random.default_rng(n).standard_normal(shape).astype(np.float32)
    attrs = {"axis": axis, "taps": taps_of(full)}
    assert_allclose(run(ops.resample, x, **attrs), oracle.resample(x, axis, full), *tolerance(x.dtype, n))
    check_gradient(ops.resample, lambda v: oracle.resample(v, axis, full), x, seed=n, k=m, **attrs)


def test_the_matrix_in_other_forms():
    full = matrix(4, 6, 5)
    taps = taps_of(full)
    assert_array_equal(taps.dense(), full)
    assert_array_equal(taps.transposed().dense(), full.T)
    assert taps.places is None
    assert Taps.of_rows(3, [[(2, 1)], [(0, 0.5), (0, 0.5)]]).places == (2, 0)
    assert Taps.of_rows(3, [[(2, 1)], []]).places is None


def test_take():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert_array_equal(run(take, x, places=[3, 3, 0], axis=1), x[:, [3, 3, 0]])
    assert_array_equal(run(take, x, places=[2, 1, 0], axis=0), x[::-1])


def test_refusals():
    x = Graph().input(("batch", 3))
    with pytest.raises(ShapeError, match="axis 2 is outside"):
        ops.resample(x, 2, Taps.of_rows(3, [[(0, 1)]]))
    with pytest.raises(ShapeError, match="expected 4 places"):
        ops.resample(x, 1, Taps.of_rows(4, [[(0, 1)]]))
    with pytest.raises(ShapeError, match="columns from 0 to 2"):
        take(x, [3], 1)
    with pytest.raises(ShapeError, match="'batch' of axis 0"):
        take(x, [0], 0)


@pytest.mark.parametrize(
    ("start", "columns"), [((0, 2, 1), (0,)), ((0, 1), (0, 1)), ((1, 1), ()), ((), ()), ((0, 1), (3,)), ((0, 1), (-1,))]
)
def test_matrices_that_lie_are_refused(start, columns):
    """They may come from a file, and kernels trust them."""
    x = Graph().input((2, 3))
    with pytest.raises(ShapeError):
        emit("resample", [x], axis=1, taps=Taps(3, start, columns, (1.0,) * len(columns)))
