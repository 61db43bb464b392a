"""dense and its gradients against the oracle, over seeded problems."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.run import run

from cases import gemm_cases
from edgenet.graph import Graph, ShapeError, gradients
from edgenet.ops import contraction, dense
from oracle import gemm as oracle
from tolerance import tolerance

CASES = gemm_cases(0, 80)


def arrays_of(case):
    a, b, bias, dy = case.arrays()
    return a, b, bias, dy, {"transpose_x": case.trans_a, "transpose_w": case.trans_b}


@pytest.mark.parametrize("case", CASES, ids=repr)
@pytest.mark.parametrize("fixed", [False, True], ids=["weights vary", "weights packed once"])
def test_forward(case, fixed):
    a, b, bias, _, attrs = arrays_of(case)
    y = run(dense, a, b, bias, fixed=(1, 2) if fixed else (), **attrs)
    want = oracle.matmul(a, b, trans_a=case.trans_a, trans_b=case.trans_b) + bias
    assert_allclose(y, want, *tolerance(y.dtype, case.k))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_gradients(case):
    a, b, bias, dy, attrs = arrays_of(case)

    def pulled_back(x, w, c, seed):
        from edgenet.graph import emit

        y = dense(x, w, c, **attrs)
        return gradients(emit("sum", [y * seed], axes=(0, 1), keepdims=False), [x, w, c])

    da, db, dc = run(pulled_back, a, b, bias, dy)
    flags = {"trans_a": case.trans_a, "trans_b": case.trans_b}
    assert_allclose(da, oracle.matmul_da(dy, b, a.shape, **flags), *tolerance(da.dtype, case.n))
    assert_allclose(db, oracle.matmul_db(a, dy, b.shape, **flags), *tolerance(db.dtype, case.m))
    assert_allclose(dc, dy.astype(np.float64).sum(0), *tolerance(dc.dtype, case.m))


@pytest.mark.parametrize("case", CASES[:15], ids=repr)
def test_threads_change_no_bit(case):
    a, b, bias, _, attrs = arrays_of(case)
    one, two, four = (run(dense, a, b, bias, threads=t, **attrs) for t in (1, 2, 4))
    assert_array_equal(one, two)
    assert_array_equal(one, four)


@pytest.mark.parametrize("case", CASES[:40], ids=repr)
def test_a_long_sum_is_taken_in_chunks(case, monkeypatch):
    """With a cache of 4 KB every k is long."""
    monkeypatch.setattr(contraction, "_L2", 4096)
    a, b, bias, dy, attrs = arrays_of(case)
    y = run(dense, a, b, bias, dy, activation=("relu",), fixed=(1,), **attrs)
    want = oracle.matmul(a, b, trans_a=case.trans_a, trans_b=case.trans_b) + bias + dy
    assert_allclose(y, np.maximum(want, 0), *tolerance(y.dtype, case.k))


def test_errors_name_both_sides():
    graph = Graph()
    with pytest.raises(
        ShapeError, match=r"dense: x has 5 features \(shape \(2, 5\)\) but w takes 4 \(shape \(4, 3\)\)"
    ):
        dense(graph.input((2, 5)), graph.input((4, 3)))
