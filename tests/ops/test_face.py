"""Operators, indexing and the words of `keras.ops` against NumPy, over shapes that hypothesis draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, basic_indices, mutually_broadcastable_shapes
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import check_gradient
from ops.run import run

from edgenet import ops
from edgenet.graph import Graph, ShapeError
from edgenet.ops.arrays import on_arrays
from tolerance import tolerance

QUICK = settings(max_examples=60, deadline=None, derandomize=True)
SHAPES = array_shapes(min_dims=1, max_dims=4, max_side=5)


def numbers(shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def agree(y, want, k=1, scale=1):
    """The same shape and, up to rounding, the same numbers."""
    assert y.shape == np.shape(want)
    rtol, atol = tolerance(np.float32, k)
    assert_allclose(y, want, rtol * scale, atol * scale)


def in_numpy(function, *xs, **attrs):
    """The function on arrays in float64: NumPy, one node after the other."""
    return on_arrays(lambda *v: function(*v, **attrs), *(x.astype(np.float64) for x in xs))


OPERATORS = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "**": lambda a, b: abs(a) ** b, "neg": lambda a, b: -a * b, "abs": lambda a, b: abs(a - b),
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
@QUICK
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4))
def test_operators(name, shapes):
    a, b = (np.round(numbers(s, i), 1) + np.float32(3 * (name == "/")) for i, s in enumerate(shapes.input_shapes))
    a, b = np.asarray(a, np.float32), np.asarray(b, np.float32)
    function = OPERATORS[name]
    with np.errstate(all="ignore"):
        want = np.asarray(function(a.astype(np.float64), b.astype(np.float64)), np.float64)
    if name in "<=>=":
        want = np.asarray(function(a, b), np.float64)
    agree(run(function, a, b), want, 4)


def test_numbers_and_arrays_may_stand_on_either_side():
    x = numbers((2, 3))
    array = np.array([1.0, 2.0, 3.0])
    agree(run(lambda v: 2 - v, x), 2 - x)
    agree(run(lambda v: array / (v * v + 1), x), array / (x * x + 1))
    agree(run(lambda v: 2.0**v, x), 2.0**x, 4)
    agree(run(lambda v: np.float32(2) * v, x), 2 * x)
    agree(run(lambda v: 1 > v, x), 1 > x)  # noqa: SIM300


@QUICK
@given(data=st.data())
def test_indexing(data):
    shape = data.draw(SHAPES)
    x = numbers(shape)
    key = data.draw(basic_indices(shape, allow_newaxis=True, max_dims=6))
    parts = key if isinstance(key, tuple) else (key,)
    if any(isinstance(k, slice) and k.step is not None and k.step < 0 for k in parts):
        with pytest.raises(IndexError, match="steps of a slice are 1 or more"):
            run(lambda v: v[key], x)
        return
    want = x[key]
    y = run(lambda v: v[key], x)
    assert y.shape == want.shape
    assert_array_equal(y, want)


@QUICK
@given(start=st.integers(-4, 4), step=st.integers(1, 3))
def test_indexing_has_a_gradient(start, step):
    x = numbers((3, 5))
    check_gradient(lambda v: v[:, start::step] ** 2, lambda v: v[:, start::step] ** 2, x, seed=1, k=4)
    check_gradient(lambda v: v[1, None, ...] * 2, lambda v: v[1, None, ...] * 2, x, seed=1, k=4)


def test_what_cannot_be_an_index_is_named():
    x = Graph().input(("batch", 4))
    for key, error, words in (
        ((0, 0, 0), IndexError, "too many indices: 3"),
        ((..., ...), IndexError, "single ellipsis"),
        ((slice(None), 4), IndexError, "index 4 is out of bounds for axis 1"),
        ((slice(None), [0, 2]), TypeError, r"got list; .*ops\.take"),
        (x > 0, TypeError, r"got Value.*ops\.where"),
        (True, TypeError, "got bool"),
        (slice(0, 1.5), TypeError, "the parts of a slice are integers"),
        (0, ShapeError, "'batch' .* must be known where it is cut"),
    ):
        with pytest.raises(error, match=words):
            x[key]


def test_a_symbolic_value_is_no_truth_and_no_collection():
    x = Graph().input((4,))
    with pytest.raises(TypeError, match=r"is symbolic.*ops\.where"):
        bool(x > 0)
    with pytest.raises(TypeError, match="not iterable"):
        list(x)
    with pytest.raises(TypeError):
        0.5 in x  # noqa: B015
    assert (x == x) is True
    assert x in {x: 1}


REDUCTIONS = {
    "sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "amax": np.max, "amin": np.min, "var": np.var,
    "std": np.std,
    "logsumexp": lambda x, axis, keepdims: np.log(np.sum(np.exp(x), axis, keepdims=keepdims)),
}  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
@QUICK
@given(data=st.data())
def test_reductions(name, data):
    x = numbers(data.draw(SHAPES))
    axes = st.one_of(
        st.none(), st.integers(-x.ndim, x.ndim - 1), st.sets(st.integers(0, x.ndim - 1), min_size=1).map(tuple)
    )
    axis, keepdims = data.draw(axes), data.draw(st.booleans())
    want = REDUCTIONS[name](x.astype(np.float64), axis=axis, keepdims=keepdims)
    y = run(getattr(ops, name), x, axis=axis, keepdims=keepdims)
    assert y.shape == want.shape
    assert_allclose(y, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@QUICK
@given(data=st.data())
def test_places_of_extremes(name, data):
    x = np.round(numbers(data.draw(SHAPES)))  # with ties
    axis = data.draw(st.one_of(st.none(), st.integers(-x.ndim, x.ndim - 1)))
    keepdims = axis is not None and data.draw(st.booleans())
    y = run(getattr(ops, name), x, axis=axis, keepdims=keepdims)
    want = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    assert y.shape == want.shape
    assert_array_equal(y, want)


@QUICK
@given(data=st.data())
def test_shapes(data):
    x = numbers(data.draw(SHAPES))
    axis = st.integers(-x.ndim, x.ndim - 1)
    a, b = data.draw(axis), data.draw(axis)
    size = x.shape[a]
    sections = data.draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0]))
    index = data.draw(st.lists(st.integers(-size, size - 1), min_size=1, max_size=4))
    for mine, theirs in (
        (lambda v: ops.expand_dims(v, a), lambda v: np.expand_dims(v, a)),
        (lambda v: ops.squeeze(ops.expand_dims(v, a), a), lambda v: v),
        (ops.squeeze, np.squeeze),
        (lambda v: ops.stack([v, 2 * v], a), lambda v: np.stack([v, 2 * v], a)),
        (lambda v: ops.concatenate([v, -v], axis=a), lambda v: np.concatenate([v, -v], axis=a)),
        (lambda v: ops.transpose(v), np.transpose),
        (lambda v: ops.swapaxes(v, a, b), lambda v: np.swapaxes(v, a, b)),
        (lambda v: ops.moveaxis(v, a, b), lambda v: np.moveaxis(v, a, b)),
        (ops.ravel, np.ravel),
        (lambda v: ops.reshape(v, (-1, size)), lambda v: v.reshape(-1, size)),
        (lambda v: ops.flip(v, a), lambda v: np.flip(v, a)),
        (lambda v: ops.flip(v), np.flip),
        (lambda v: ops.repeat(v, 3, a), lambda v: np.repeat(v, 3, a)),
        (lambda v: ops.take(v, index, a), lambda v: np.take(v, index, a)),
        (lambda v: ops.take(v, index[0], a), lambda v: np.take(v, index[0], a)),
        (ops.zeros_like, np.zeros_like),
        (ops.ones_like, np.ones_like),
        (lambda v: ops.full_like(v, 2.5), lambda v: np.full_like(v, 2.5)),
    ):
        y, want = run(mine, x), theirs(x)
        assert y.shape == want.shape
        assert_array_equal(y, want)
    for y, want in zip(run(lambda v: ops.split(v, sections, a), x), np.split(x, sections, a), strict=True):
        assert_array_equal(y, want)
    assert (ops.ndim(Graph().input(x.shape)), ops.shape(Graph().input(x.shape))) == (x.ndim, x.shape)


SINGLE = {
    "negative": np.negative, "reciprocal": np.reciprocal, "sign": np.sign, "absolute": np.abs, "isnan": np.isnan,
    "logical_not": np.logical_not, "relu6": lambda x: np.clip(x, 0, 6), "softsign": lambda x: x / (1 + np.abs(x)),
    "hard_sigmoid": lambda x: np.clip(x + 3, 0, 6) / 6, "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "swish": lambda x: x / (1 + np.exp(-x)),
}  # fmt: skip
POSITIVE = {"rsqrt": lambda x: 1 / np.sqrt(x), "log2": np.log2, "log10": np.log10}


@pytest.mark.parametrize("name", [*SINGLE, *POSITIVE])
@QUICK
@given(x=arrays(np.float32, SHAPES, elements=st.floats(-20, 20, width=16)))
def test_functions_of_one_number(name, x):
    if name in POSITIVE:
        x = np.abs(x) + np.float32(0.5)
    with np.errstate(divide="ignore"):
        want = {**SINGLE, **POSITIVE}[name](x.astype(np.float64))
    y = run(getattr(ops, name), x)
    assert y.shape == want.shape
    assert_allclose(y, want, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", ["less", "less_equal", "not_equal", "logical_and", "logical_or"])
@QUICK
@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4))
def test_comparisons(name, shapes):
    a, b = (np.asarray(np.round(numbers(s, i)), np.float32) for i, s in enumerate(shapes.input_shapes))
    assert_array_equal(run(getattr(ops, name), a, b), getattr(np, name)(a, b))


@pytest.mark.parametrize(
    ("p", "q"),
    [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((3, 4), (2, 4, 5))],
)
def test_matmul(p, q):
    x, w = numbers(p), numbers(q, 1)
    agree(run(lambda x, w: x @ w, x, w), x @ w, 4)
    agree(run(ops.matmul, x, w, fixed=(1,)), x @ w, 4)
    agree(run(lambda x: x @ w, x), x @ w, 4)
    agree(run(lambda w: x @ w, w), x @ w, 4)
    check_gradient(lambda x, w: x @ w, lambda x, w: x @ w, x, w, seed=3, k=4 * 12)


def test_the_batch_may_be_open():
    x = Graph().input(("batch", 6, 4))
    assert (x[:, 1:, 0] ** 2).shape == ("batch", 5)
    assert ops.stack([x, x], 1).shape == ("batch", 2, 6, 4)
    assert ops.var(x, axis=(1, 2), keepdims=True).shape == ("batch", 1, 1)
    assert ops.matmul(x, np.ones((4, 2))).shape == ("batch", 6, 2)
    assert ops.zeros_like(x).shape == x.shape
    assert [v.shape for v in ops.split(x, 2, axis=1)] == [("batch", 3, 4)] * 2


def test_labels_want_a_cast():
    labels = Graph().input((4, 2), "int32")
    with pytest.raises((ShapeError, TypeError), match=r"expected float32, got int32.*ops\.cast"):
        labels + 1
    assert labels[:, 0].dtype == "int32"  # moving them is no arithmetic
    assert (ops.cast(labels, "float32")[:, 0] + 1).shape == (4,)
