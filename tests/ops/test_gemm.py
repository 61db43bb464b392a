"""dense and its gradients against the oracle, over seeded problems."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.run import run

from cases import gemm_cases
from edgenet.graph import Graph, ShapeError, get_op, gradients
from edgenet.kernels.target import current
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


@pytest.mark.parametrize("panels", [2, 5, 9])
@pytest.mark.parametrize(("m", "k"), [(1, 40), (7, 64), (40, 90)])
def test_weights_that_change_are_read_where_they_lie(m, k, panels, monkeypatch):
    """A few rows of them at a time, from panel to panel of a strip."""
    n = panels * current().widest * current().lanes
    monkeypatch.setattr(contraction, "PAGES", 1)
    monkeypatch.setattr(contraction, "PAGE", 12 * n)
    monkeypatch.setattr(contraction, "STRIPS", 2)
    generator = np.random.default_rng(n)
    x, w, b, dy = (generator.standard_normal(s).astype(np.float32) for s in ((m, k), (k, n), (n,), (m, n)))
    graph = Graph()
    (call,) = get_op("dense").lower(dense(graph.input(x.shape), graph.input(w.shape)).node)
    given = dict(zip(call.kernel.parameters, call.args, strict=False))
    assert call.kernel.name.startswith("gemm") and given["length"] <= 12 and given["chunk"] == 1
    assert given["span"] == max(1, panels // 2), "panels of a strip"
    y, one, two = (run(dense, x, w, b, dy, activation=("relu",), threads=t) for t in (None, 1, 2))
    assert_allclose(y, np.maximum(oracle.matmul(x, w) + b + dy, 0), *tolerance(y.dtype, k))
    assert_array_equal(y, one)
    assert_array_equal(y, two)


def test_errors_name_both_sides():
    graph = Graph()
    with pytest.raises(
        ShapeError, match=r"dense: x has 5 features \(shape \(2, 5\)\) but w takes 4 \(shape \(4, 3\)\)"
    ):
        dense(graph.input((2, 5)), graph.input((4, 3)))
