"""matmul against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from ops.pull import bits_equal, check_gradient
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError, emit
from oracle import matmul as oracle
from tolerance import tolerance

SHAPES = [
    ((2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)), ((2, 5, 2, 3), (2, 5, 3, 17)), ((5, 2, 3), (3, 4)), ((3,), (3,)),
    ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((5, 1, 2, 3), (4, 3, 2)), ((2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)),
    ((5, 2, 3), (1, 3, 4)), ((2, 1, 7), (2, 7, 33)), ((3, 33, 40), (3, 40, 16)),
]  # fmt: skip


def problem(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(s).astype(np.float32) for s in shapes]


@pytest.mark.parametrize(("p", "q"), SHAPES)
def test_forward_and_gradient(p, q):
    a, b = problem(len(p), p, q)
    want = oracle.matmul(a, b)
    for fixed in ((), (1,)):
        y = run(ops.matmul, a, b, fixed=fixed)
        assert y.shape == want.shape
        assert_allclose(y, want, *tolerance(y.dtype, p[-1]))
    check_gradient(ops.matmul, oracle.matmul, a, b, seed=1, k=60)


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
@pytest.mark.parametrize("lead", [((4,), (4,)), ((4,), (1,)), ((1,), (4,)), ((2, 1), (1, 3))])
def test_transposed(ta, tb, lead):
    a, b = problem(3, (*lead[0], 7, 5), (*lead[1], 5, 6))
    stored = [v.swapaxes(-1, -2).copy() if t else v for v, t in ((a, ta), (b, tb))]

    def op(p, q):
        return emit("matmul", [p, q], transpose_a=ta, transpose_b=tb)

    def judge(p, q):
        return oracle.matmul(p.swapaxes(-1, -2) if ta else p, q.swapaxes(-1, -2) if tb else q)

    assert_allclose(run(op, *stored), judge(*stored), *tolerance(a.dtype, 5))
    check_gradient(op, judge, *stored, seed=2, k=30)


def test_nothing_to_multiply():
    assert run(ops.matmul, *problem(4, (0, 2, 3), (0, 3, 4))).shape == (0, 2, 4)


def test_threads_change_no_bit():
    a, b = problem(5, (6, 65, 70), (6, 70, 33))
    assert bits_equal(*(run(ops.matmul, a, b, threads=t) for t in (1, 2)))


def test_refusals():
    g = Graph()
    with pytest.raises(ShapeError, match="matmul: a has 3 columns"):
        ops.matmul(g.input((2, 3)), g.input((5, 4, 4)))
    with pytest.raises(ShapeError, match="do not broadcast"):
        ops.matmul(g.input((2, 2, 3)), g.input((5, 3, 4)))
    with pytest.raises(ShapeError, match="vectors or matrices"):
        ops.matmul(g.input(()), g.input((5, 3, 4)))
