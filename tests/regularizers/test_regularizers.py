"""Penalties on weights and their gradients."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from ops.pull import check_gradient
from ops.run import run

from edgenet import ops, regularizers
from edgenet.graph import ShapeError
from oracle import update
from tolerance import tolerance

W = np.array([[1.0, -2.0], [3.0, -0.5]], np.float32)


@pytest.mark.parametrize(
    ("regularizer", "function"),
    [
        (regularizers.L1(0.1), lambda w: 0.1 * np.abs(w).sum()),
        (regularizers.L2(0.1), lambda w: 0.1 * (w**2).sum()),
        (regularizers.L1L2(0.1, 0.2), lambda w: 0.1 * np.abs(w).sum() + 0.2 * (w**2).sum()),
        (regularizers.L1L2(l2=0.2), lambda w: 0.2 * (w**2).sum()),
        (regularizers.L1L2(), lambda w: 0.0 * w.sum()),
        (regularizers.OrthogonalRegularizer(0.5), lambda w: update.orthogonal(w, 0.5, "rows")),
        (regularizers.orthogonal(0.5, mode="columns"), lambda w: update.orthogonal(w, 0.5, "columns")),
    ],
    ids=lambda part: repr(part) if isinstance(part, regularizers.Regularizer) else "",
)
def test_value_and_gradient(regularizer, function):
    y = run(regularizer, W)
    assert y.shape == ()
    assert_allclose(y, function(W.astype(np.float64)), *tolerance(y.dtype, 4))
    check_gradient(regularizer, function, W, seed=0, k=4)


def test_by_hand():
    assert_allclose(run(regularizers.get("l2"), W), 0.01 * 14.25, *tolerance(np.float32, 4))
    assert_allclose(run(regularizers.get("l1"), W), 0.01 * 6.5, *tolerance(np.float32, 4))


def test_the_numbers_of_a_worked_example():
    w = np.array([[3.0, 0.0], [4.0, -1.0]], np.float32)
    for regularizer, wanted in [
        (regularizers.l1(0.01), 0.08),
        (regularizers.l2(0.01), 0.26),
        (regularizers.l1_l2(0.01, 0.01), 0.34),
        (regularizers.orthogonal(0.01), 0.01 * 4 / np.sqrt(17)),
        (regularizers.orthogonal(0.01, "columns"), 0.01 * 4 / 5),
    ]:
        assert_allclose(run(regularizer, w), wanted, *tolerance(np.float32, 4))


def test_orthogonal_rows_cost_nothing_and_parallel_ones_the_factor():
    assert run(regularizers.orthogonal(2.0), np.eye(5, 7, dtype=np.float32)) == 0
    assert_allclose(run(regularizers.orthogonal(2.0), np.ones((4, 3), np.float32)), 2, *tolerance(np.float32, 4))
    w = np.random.default_rng(1).standard_normal((20, 9)).astype(np.float32)
    for mode in ("rows", "columns"):
        wanted = update.orthogonal(w, 0.01, mode)
        assert_allclose(run(regularizers.orthogonal(mode=mode), w), wanted, *tolerance(np.float32, 20))
    with pytest.raises(ShapeError, match=r"a matrix of at least two rows, got \(1, 3\)"):
        run(regularizers.orthogonal(), np.ones((1, 3), np.float32))
    with pytest.raises(ValueError, match="mode must be 'rows' or 'columns', got 'all'"):
        regularizers.orthogonal(mode="all")


def test_names_and_configs():
    for name in ("l1", "l2", "l1_l2", "L1", "L2", "L1L2", "orthogonal", "OrthogonalRegularizer"):
        made = regularizers.get(name)
        again = regularizers.get(regularizers.serialize(made))
        assert type(again) is type(made)
        assert again.get_config() == made.get_config()
    assert regularizers.get("l2").l2 == 0.01
    assert (regularizers.get("l1_l2").l1, regularizers.get("l1_l2").l2) == (0.0, 0.0)
    assert regularizers.get(None) is None
    assert regularizers.serialize(None) is None
    assert regularizers.get(ops.mean) is ops.mean
    assert regularizers.serialize(ops.mean) == "mean"
    assert regularizers.l2(0.5).l2 == 0.5


def test_errors():
    with pytest.raises(ValueError, match=r"unknown regularizer 'l3'.*: expected one of"):
        regularizers.get("l3")
    with pytest.raises(TypeError, match="a regularizer is a name"):
        regularizers.get(0.01)
    for value in (-1, float("nan"), float("inf"), "big"):
        with pytest.raises(ValueError, match="L2: l2 must be a finite number of at least 0"):
            regularizers.L2(value)
