"""Arithmetic that broadcasts, comparisons and functions of one value against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import bits_equal, check_gradient, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError, gradients
from oracle import elementwise as oracle
from tolerance import tolerance

BINARY = ("add", "sub", "mul", "div", "maximum", "minimum")
COMPARISONS = ("equal", "greater", "greater_equal")
UNARY = {"exp": "exp", "log": "log", "sqrt": "sqrt", "square": "square", "abs": "absolute"}
SIZES = (1, 1, 2, 3, 7, 8, 9, 15, 16, 17)
NAMED = [
    ((), ()), ((1,), ()), ((0,), ()), ((0, 3), (3,)), ((5, 0), (5, 1)), ((4097,), (4097,)), ((4096,), ()),
    ((), (4095,)),
    ((40000,), (1,)), ((3, 16385), (16385,)), ((3, 16385), (3, 1)), ((3, 1), (3, 16385)),
    ((1,), (40000,)), ((900, 3), (3,)), ((3,), (901, 3)),
    ((700, 31), (1, 31)),
    ((130, 33), (33,)), ((130, 33), (130, 1)), ((2, 9, 9, 12), (2, 1, 1, 12)), ((5, 1, 7, 1, 9), (1, 6, 1, 2, 1)),
    ((2, 1, 2, 1, 2, 1, 2), (1, 2, 1, 2, 1, 2, 1)), ((1, 5), (4, 1)),
]  # fmt: skip
SPECIAL = np.array([0.0, -0.0, 1.0, -1.5, np.inf, -np.inf, np.nan, 3e38, -3e38, 1e-40, 2.0**-126], np.float32)


def shapes(seed):
    """Two shapes that broadcast."""
    rng = np.random.default_rng(seed)
    full = [int(rng.choice(SIZES)) for _ in range(rng.integers(1, 6))]
    both = []
    for _ in range(2):
        shape = [1 if rng.random() < 0.35 else d for d in full]
        both.append(tuple(shape[int(rng.integers(len(full))) :] if rng.random() < 0.3 else shape))
    return tuple(both)


def arrays(seed, a_shape, b_shape):
    rng = np.random.default_rng([seed, 1])
    a, b = (np.asarray(rng.standard_normal(s), np.float32) for s in (a_shape, b_shape))
    return a, np.asarray(np.where(np.abs(b) < 0.25, b + np.sign(b), b), np.float32)


PAIRS = [*NAMED, *(shapes(seed) for seed in range(40))]


@pytest.mark.parametrize("name", [*BINARY, *COMPARISONS])
def test_forward(name):
    for seed, pair in enumerate(PAIRS):
        a, b = arrays(seed, *pair)
        if name in COMPARISONS:
            a, b = np.round(a), np.round(b)
        y = run(getattr(ops, name), a, b)
        want = getattr(oracle, name)(a, b)
        assert y.shape == want.shape
        assert_allclose(y, want, *tolerance(y.dtype), err_msg=f"seed {seed}, shapes {pair}")


@pytest.mark.parametrize("name", [*BINARY, *COMPARISONS])
def test_special_numbers(name):
    a, b = np.repeat(SPECIAL, len(SPECIAL)), np.tile(SPECIAL, len(SPECIAL))
    with np.errstate(all="ignore"):
        want = getattr(oracle, name)(a, b).astype(np.float32)
    assert_array_equal(run(getattr(ops, name), a, b), want)
    assert_array_equal(run(getattr(ops, name), SPECIAL[:, None], SPECIAL).ravel(), want)
    for scalar in SPECIAL:
        with np.errstate(all="ignore"):
            want = getattr(oracle, name)(SPECIAL, scalar).astype(np.float32)
        assert_array_equal(run(getattr(ops, name), SPECIAL, np.asarray(scalar)), want)


def test_equal_takes_labels_too():
    a = np.array([[1, 2, 3], [2**31 - 1, -1, 0]], np.int32)
    b = np.array([1, 2, 0], np.int32)
    assert_array_equal(run(ops.equal, a, b), oracle.equal(a, b))
    many = np.tile(a, (300, 1))  # b is written out some times, so that rows are long
    assert_array_equal(run(ops.equal, many, b), oracle.equal(many, b))


@pytest.mark.parametrize("name", BINARY)
def test_gradient_of_binary(name):
    function, judge = getattr(ops, name), getattr(oracle, name)
    for seed in range(40, 52):
        a, b = arrays(seed, *shapes(seed))
        if a.size * b.size < 300**2:
            check_gradient(function, judge, a, b, seed=seed, k=max(a.size, b.size) * 16)


@pytest.mark.parametrize("name", BINARY)
def test_gradient_of_binary_agrees_with_the_oracle(name):
    for seed, pair in enumerate(PAIRS):
        a, b = arrays(seed, *pair)
        dy = np.random.default_rng([seed, 2]).standard_normal(np.broadcast_shapes(*pair)).astype(np.float32)
        got = pull(getattr(ops, name), a, b, dy=dy)
        for d, want in zip(got, getattr(oracle, name + "_grad")(dy, a, b), strict=True):
            k = 16 * max(1, dy.size // max(want.size, 1))
            assert d.shape == want.shape
            assert_allclose(d, want, *tolerance(d.dtype, k), err_msg=f"seed {seed}, shapes {pair}")


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_gradient_of_equal_operands_goes_to_the_first(name):
    a = np.array([1.0, 2.0, 3.0], np.float32)
    da, db = pull(getattr(ops, name), a, a.copy(), dy=np.array([5, 6, 7]))
    assert_array_equal(da, [5, 6, 7])
    assert_array_equal(db, [0, 0, 0])


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("n", [0, 1, 7, 15, 16, 17, 31, 33, 4095, 4096, 4097, 12345])
def test_unary(name, n):
    x = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    x = np.abs(x) if name in ("log", "sqrt") else x
    y = run(getattr(ops, name), x)
    assert_allclose(y, getattr(oracle, UNARY[name])(x), *tolerance(y.dtype))


@pytest.mark.parametrize("name", UNARY)
def test_unary_special_numbers(name):
    x = np.tile(SPECIAL, 5)
    with np.errstate(all="ignore"):
        want = getattr(oracle, UNARY[name])(x).astype(np.float32)
    assert_allclose(run(getattr(ops, name), x), want, *tolerance(np.float32))


@pytest.mark.parametrize("name", UNARY)
def test_gradient_of_unary(name):
    x = np.random.default_rng(5).uniform(0.3, 2, (5, 7)).astype(np.float32)
    x = x if name in ("log", "sqrt") else x * np.where(np.arange(7) % 2, 1, -1).astype(np.float32)
    check_gradient(getattr(ops, name), getattr(oracle, UNARY[name]), x, seed=5, k=16)


def test_slope_of_abs_at_zero_is_zero():
    (dx,) = pull(ops.abs, np.array([0.0, -0.0, 2.0, -2.0], np.float32), dy=np.full(4, 3.0))
    assert_array_equal(dx, [0, 0, 3, -3])


def test_threads_change_no_bit():
    rng = np.random.default_rng(3)
    big = rng.standard_normal((257, 1031)).astype(np.float32)
    for other in (big[::-1].copy(), big[0].copy(), big[:, :1].copy(), np.float32(0.7).reshape(())):
        for name in BINARY:
            one, two, four = (run(getattr(ops, name), big, other, threads=t) for t in (1, 2, 4))
            assert bits_equal(one, two)
            assert bits_equal(one, four)
    for name in UNARY:
        one, two, four = (run(getattr(ops, name), big, threads=t) for t in (1, 2, 4))
        assert bits_equal(one, two)
        assert bits_equal(one, four)


def test_constants_and_scalars_mix_with_values():
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert_array_equal(run(lambda v: 2 * (v + 1) / 4 - v * np.array([1.0, 0, 1]), x), 2 * (x + 1) / 4 - x * [1, 0, 1])


def test_symbolic_sizes_pass_through():
    graph = Graph()
    x = graph.input(("batch", 1, 3))
    assert (x + graph.input((5, 1))).shape == ("batch", 5, 3)
    assert ops.exp(x * x).shape == ("batch", 1, 3)
    (dx,) = gradients(ops.sum(graph.input((2, 3)) * 2), [graph.inputs[-1]])
    assert dx.shape == (2, 3)


def test_shapes_that_do_not_fit():
    graph = Graph()
    with pytest.raises(ShapeError, match=r"add: shapes \(2, 3\) and \(4,\) do not broadcast: 3 meets 4"):
        graph.input((2, 3)) + graph.input((4,))
    with pytest.raises(ShapeError, match="expected float32, got int32"):
        ops.exp(graph.input((2,), "int32"))
    with pytest.raises(ShapeError, match="two float32 or two int32"):
        ops.equal(graph.input((2,), "int32"), graph.input((2,)))
    x = graph.input((2,))
    assert gradients(ops.sum(ops.greater(x, x)), [x]) == [None]  # constant almost everywhere
