"""gather against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import bits_equal, check_gradient, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import gather as oracle
from tolerance import tolerance


def problem(seed, rows, rest, places, dtype):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((rows, *rest)).astype(np.float32), rng.integers(0, rows, places).astype(dtype)


@pytest.mark.parametrize("dtype", ["int32", "float32"])
@pytest.mark.parametrize(
    ("rows", "rest", "places"),
    [
        (1, (1,), (1,)),
        (7, (5,), (3, 4)),
        (100, (16,), (9,)),
        (5, (2, 3), (4,)),
        (9, (), (40,)),
        (3, (4,), (0,)),
    ],
)
def test_forward_and_gradient(rows, rest, places, dtype):
    table, index = problem(rows, rows, rest, places, dtype)
    assert_array_equal(run(ops.gather, table, index), oracle.gather(table, index).astype(np.float32))
    dy = np.random.default_rng(2).standard_normal((*places, *rest)).astype(np.float32)
    (dx,) = pull(ops.gather, table, index, dy=dy, wrt=[0])
    assert_allclose(dx, oracle.gather_dx(dy, index, table.shape), *tolerance(dx.dtype, index.size))


def test_central_differences():
    table, index = problem(3, 6, (4,), (5,), "int32")
    check_gradient(ops.gather, oracle.gather, table, index, seed=3, wrt=[0], k=5)


@pytest.mark.parametrize("bad", [np.array([-1, 4, 2], np.int32), np.array([np.nan, 1e30, 2], np.float32)])
def test_outside_of_the_table(bad):
    table = np.arange(8, dtype=np.float32).reshape(4, 2)
    y = run(ops.gather, table, bad)
    assert np.isnan(y[:2]).all()
    assert_array_equal(y[2], [4, 5])
    (dx,) = pull(ops.gather, table, bad, dy=np.ones((3, 2)), wrt=[0])
    assert_array_equal(dx, [[0, 0], [0, 0], [1, 1], [0, 0]])


def test_threads_change_no_bit():
    table, index = problem(5, 300, (70,), (5000,), "int32")
    dy = np.random.default_rng(6).standard_normal((5000, 70)).astype(np.float32)
    assert bits_equal(*(pull(ops.gather, table, index, dy=dy, wrt=[0], threads=t)[0] for t in (1, 2)))


def test_refusals():
    graph = Graph()
    with pytest.raises(ShapeError, match=r"gather: expected indices of int32.*got int64\[3\]"):
        ops.gather(graph.input((4, 2)), graph.input((3,), "int64"))
    with pytest.raises(ShapeError, match="known shape"):
        ops.gather(graph.input(("batch", 2)), graph.input((3,), "int32"))
