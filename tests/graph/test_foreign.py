"""Functions of NumPy on symbolic values: arithmetic works from the left, everything else is refused in a sentence."""

import operator

import numpy as np
import pytest
from numpy.testing import assert_allclose

from edgenet import Input, Model, Sequential, layers, ops

X = np.random.default_rng(0).uniform(0.5, 2, (5, 3)).astype(np.float32)
ROW = np.float32([1, 2, 3])


@pytest.mark.parametrize("left", [ROW, np.float32(2), np.float64(2), np.int64(2)], ids=lambda v: type(v).__name__)
@pytest.mark.parametrize(
    "apply",
    [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.gt, operator.le, np.add],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("between", [False, True], ids=["inside", "between"])
def test_an_array_on_the_left(left, apply, between):
    x = Input((3,))
    y = apply(left, x) if between else layers.Lambda(lambda v: apply(left, v))(x)
    assert_allclose(Model(x, y).predict(X), apply(left, X), rtol=1e-5)


def test_a_matrix_on_the_left():
    matrix = np.random.default_rng(1).normal(size=(2, 5)).astype(np.float32)
    model = Sequential([Input((5, 3)), layers.Lambda(lambda v: matrix @ v)])
    assert_allclose(model.predict(X[None])[0], matrix @ X, rtol=1e-5)


@pytest.mark.parametrize("function", [np.exp, np.mean, np.sum, np.square, lambda v: np.concatenate([v, v])])
def test_other_functions_are_refused(function):
    with pytest.raises(
        TypeError, match=r"np\.\w+ computes on arrays; %input: .* is symbolic: write it with edgenet\.ops"
    ):
        layers.Lambda(function)(Input((3,)))
    with pytest.raises(TypeError, match=r"np\.\w+ computes on arrays; <SymbolicTensor .* write it with edgenet\.ops"):
        function(Input((3,)))


def test_nothing_changes_an_array_in_place():
    array = ROW.copy()
    with pytest.raises(TypeError, match=r"np\.add computes on arrays"):
        array += Input((3,))
    np.testing.assert_array_equal(array, ROW)


def test_shapes_are_told_and_equality_is_identity():
    x = Input((3,))
    assert np.shape(x) == (None, 3)
    assert np.ndim(x) == 2
    assert (x == ROW, ROW == x, x != ROW, ROW != x) == (False, False, True, True)  # noqa: SIM300


@pytest.mark.parametrize(
    "name", ["relu", "sum", "mean", "max", "var", "logsumexp", "transpose", "expand_dims", "squeeze"]
)
@pytest.mark.parametrize("given", [X, Input((3,))], ids=["array", "between layers"])
def test_ops_say_what_they_take(name, given):
    arguments = (given, 1) if name == "expand_dims" else (given,)
    with pytest.raises(
        TypeError, match=r"at least one input must be a symbolic value, got .*Lambda, on arrays use NumPy"
    ):
        getattr(ops, name)(*arguments)
