"""conv_integer, matmul_integer, qlinear_conv and qlinear_matmul against the oracle, over seeded problems."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from ops.run import run

from cases import conv_cases, gemm_cases
from edgenet.graph import Graph, ShapeError, gradients
from edgenet.ops import conv_integer, matmul_integer, qlinear_conv, qlinear_matmul
from oracle import quantize as oracle

CASES = conv_cases(0, 64)
MATRICES = gemm_cases(0, 40)


def drawn(rng, dtype, shape=()):
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


def operands(seed, x_shape, w_shape):
    """x, w and their zero points: all four pairs of dtypes, one or n zero points of w, in turn."""
    rng = np.random.default_rng([seed, 77])
    x_dtype, w_dtype = (np.dtype(("int8", "uint8")[seed >> i & 1]) for i in (0, 1))
    w_zero = drawn(rng, w_dtype, (w_shape[-1],) if seed % 3 else ())
    return drawn(rng, x_dtype, x_shape), drawn(rng, w_dtype, w_shape), drawn(rng, x_dtype), w_zero


def scaling(seed, n, k, x_dtype):
    """Bias, scales and zero point of y, such that results fill the eight bits and sometimes leave them."""
    rng = np.random.default_rng([seed, 78])
    bias = rng.integers(-9000, 9000, n, np.int32, endpoint=True) if seed % 2 else None
    each = (n,) if seed % 3 == 1 else ()
    w_scale = np.asarray((0.5 + rng.random(each)) / 100, np.float32)
    scales = np.asarray(np.float32(0.1)), w_scale, np.asarray(np.float32(0.1 * max(k, 1) ** 0.5))
    return bias, scales, drawn(rng, ("int8", "uint8")[seed % 5 % 2])


@pytest.mark.parametrize("case", CASES, ids=repr)
@pytest.mark.parametrize("fixed", [(), (1, 2, 3)], ids=["weights vary", "weights packed once"])
def test_conv_integer(case, fixed):
    x, w, x_zero, w_zero = operands(case.seed, case.x_shape, case.w_shape)
    y = run(conv_integer, x, w, x_zero, w_zero, fixed=fixed, **case.attrs)
    assert y.dtype == np.int32
    assert_array_equal(y, oracle.conv_integer(x, w, x_zero, w_zero, **case.attrs))


def _qlinear(function):
    """The op over a flat list of operands, as `run` wants it."""

    def call(x, w, x_zero, w_zero, b, x_scale, w_scale, y_scale, y_zero, **attrs):
        return function(x, w, b, (x_scale, w_scale, y_scale), (x_zero, w_zero, y_zero), **attrs)

    return call


@pytest.mark.parametrize("case", CASES, ids=repr)
@pytest.mark.parametrize("bounded", [False, True], ids=["whole range", "bounded"])
def test_qlinear_conv(case, bounded):
    x, w, x_zero, w_zero = operands(case.seed, case.x_shape, case.w_shape)
    bias, scales, y_zero = scaling(case.seed, case.co, case.k, x.dtype)
    bounds = {"low": int(y_zero), "high": min(int(y_zero) + 40, 127)} if bounded else {}
    bounds = {} if bounded and bounds["high"] < bounds["low"] else bounds
    got = run(_qlinear(qlinear_conv), x, w, x_zero, w_zero, bias, *scales, y_zero, fixed=range(1, 9), **case.attrs,
              **bounds)  # fmt: skip
    assert got.dtype == y_zero.dtype
    sums = oracle.conv_integer(x, w, x_zero, w_zero, **case.attrs)
    assert_array_equal(got, oracle.requantize(sums, bias, scales, y_zero, **bounds))


@pytest.mark.parametrize("case", MATRICES, ids=repr)
def test_matmul_integer_and_qlinear_matmul(case):
    x, w, x_zero, w_zero = operands(case.seed, (case.m, case.k), (case.k, case.n))
    sums = oracle.matmul_integer(x, w, x_zero, w_zero)
    assert_array_equal(run(matmul_integer, x, w, x_zero, w_zero, fixed=(1, 3)), sums)
    bias, scales, y_zero = scaling(case.seed, case.n, case.k, x.dtype)
    y = run(_qlinear(qlinear_matmul), x, w, x_zero, w_zero, bias, *scales, y_zero)
    assert_array_equal(y, oracle.requantize(sums, bias, scales, y_zero))


@pytest.mark.parametrize("shared", [False, True], ids=["a matrix for each", "one matrix for all"])
def test_matmul_integer_of_many_matrices(shared):
    x, w, x_zero, w_zero = operands(5, (2, 3, 5, 7), (7, 18) if shared else (2, 3, 7, 18))
    assert_array_equal(
        run(matmul_integer, x, w, x_zero, w_zero), np.matmul(x.astype(np.int64) - x_zero, w.astype(np.int64) - w_zero)
    )


def test_no_features_make_zeros():
    zero = np.zeros((), np.int8)
    y = run(matmul_integer, np.zeros((3, 0), np.int8), np.zeros((0, 5), np.int8), zero, zero)
    assert_array_equal(y, np.zeros((3, 5), np.int32))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_halves_round_to_even(dtype):
    """One product a result, half a step each."""
    x = np.arange(11, dtype=dtype).reshape(11, 1)
    one, zero = np.ones((), np.float32), np.zeros((), dtype)
    half = np.asarray(np.float32(0.5))
    y = run(_qlinear(qlinear_matmul), x, np.ones((1, 1), dtype), zero, zero, None, one, half, one, zero)
    assert y.ravel().tolist() == [0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5]


def test_long_sums_are_exact():
    """33,000 of the largest products there are stay within 32 bits."""
    k = 33000
    x, w = np.full((2, k), 255, np.uint8), np.full((k, 3), 255, np.uint8)
    zero = np.zeros((), np.uint8)
    assert_array_equal(run(matmul_integer, x, w, zero, zero), np.full((2, 3), k * 255 * 255, np.int32))


@pytest.mark.parametrize("case", [c for c in CASES if c.n][:12], ids=repr)
def test_threads_change_no_bit(case):
    x, w, x_zero, w_zero = operands(case.seed, case.x_shape, case.w_shape)
    results = [run(conv_integer, x, w, x_zero, w_zero, threads=t, **case.attrs) for t in (1, 2, 4)]
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])


def values(**changes):
    """Good operands of qlinear_conv, some of them changed."""
    graph = Graph()
    specs = {
        "x": ((1, 8, 8, 4), "int8"), "w": ((3, 3, 4, 6), "int8"), "b": ((6,), "int32"), "x_scale": ((), "float32"),
        "w_scale": ((6,), "float32"), "y_scale": ((), "float32"), "x_zero": ((), "int8"), "w_zero": ((6,), "int8"),
        "y_zero": ((), "int8"), **changes,
    }  # fmt: skip
    v = {name: graph.input(*spec, name) for name, spec in specs.items()}
    return (v["x"], v["w"], v["b"], (v["x_scale"], v["w_scale"], v["y_scale"]), (v["x_zero"], v["w_zero"], v["y_zero"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": ((1, 8, 8, 3), "int8")}, r"x has ci=3 .* but w wants ci=4"),
        ({"x": ((1, 8, 8, 4), "float32")}, r"expected x to be int8 or uint8, got float32\[1, 8, 8, 4\]"),
        ({"x_zero": ((), "uint8")}, r"expected the zero point of x to be 1 numbers of int8, got uint8\[\]"),
        ({"w_zero": ((5,), "int8")}, r"expected the zero point of w to be 1 or 6 numbers of int8, got int8\[5\]"),
        ({"b": ((6,), "float32")}, r"expected a bias int32\[6\], got float32\[6\]"),
        ({"w_scale": ((3,), "float32")}, r"expected the scale of w to be 1 or 6 numbers of float32"),
        ({"y_zero": ((), "int32")}, r"expected y_zero to be int8 or uint8, got int32\[\]"),
    ],
)
def test_errors_name_what_does_not_fit(changes, message):
    with pytest.raises(ShapeError, match=f"qlinear_conv: {message}"):
        qlinear_conv(*values(**changes))


def test_bounds_lie_within_eight_bits():
    with pytest.raises(ShapeError, match="expected -128 <= low <= high <= 127, got -200 and 127"):
        qlinear_conv(*values(), low=-200)


def test_matrices_that_do_not_fit():
    graph = Graph()
    x, w, zero = graph.input((4, 5), "int8"), graph.input((6, 3), "int8"), graph.input((), "int8")
    with pytest.raises(ShapeError, match=r"matmul_integer: x has 5 features \(shape \(4, 5\)\) but w takes 6"):
        matmul_integer(x, w, zero, zero)
    with pytest.raises(ShapeError, match=r"expected x\[…, m, k\] and w\[k, n\] or w\[…, k, n\], got shapes \(4, 5\)"):
        matmul_integer(x, graph.input((2, 5, 3), "int8"), zero, zero)


def test_nothing_can_be_trained_through_integers():
    from edgenet.graph import emit

    x, w, _, _, (x_zero, w_zero, _) = values()
    y = emit("dequantize_linear", [conv_integer(x, w, x_zero, w_zero), np.ones(1), np.zeros(1, np.int32)], axis=-1)
    with pytest.raises(TypeError, match="has no gradient: integers do not change by small steps"):
        gradients(emit("sum", [y], axes=(0, 1, 2, 3), keepdims=False), [x])
