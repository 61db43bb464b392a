"""quantize_linear, dequantize_linear and dynamic_quantize_linear against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from ops.run import run

from edgenet.graph import Graph, ShapeError, gradients
from edgenet.ops import dequantize_linear, dynamic_quantize_linear, quantize_linear
from oracle import quantize as oracle

BYTES = (np.int8, np.uint8)
SHAPES = ((5,), (0,), (4097,), (3, 17, 8), (2, 3, 5, 33))


def drawn(seed, dtype, shape):
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max, shape, dtype, endpoint=True)


def per_axis(values, axis, rank):
    return values.reshape([-1 if a == axis else 1 for a in range(rank)])


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fixed", [(), (1, 2)], ids=["scales vary", "scales are known"])
def test_quantize_linear(dtype, shape, fixed):
    rng = np.random.default_rng(1)
    x = (rng.standard_normal(shape) * 3).astype(np.float32)
    scale, zero = np.float32(0.031), drawn(2, dtype, ())
    y = run(quantize_linear, x, np.asarray(scale), zero, fixed=fixed)
    assert y.dtype == dtype
    assert_array_equal(y, oracle.quantize(x, scale, zero))


@pytest.mark.parametrize("dtype", BYTES)
def test_halves_round_to_even_and_the_rest_saturates(dtype):
    x = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 1e30, -1e30, np.inf, -np.inf, 0.49999997], np.float32)
    y = run(quantize_linear, x, np.ones((), np.float32), np.zeros((), dtype))
    least, most = oracle.LIMITS[np.dtype(dtype).name]
    low = [0, -2] if least else [0, 0]
    assert y.tolist() == [0, 2, 2, *low, most, least, most, least, 0]


def test_what_is_no_number_becomes_the_least():
    y = run(quantize_linear, np.array([np.nan, 1], np.float32), np.ones((), np.float32), np.zeros((), np.int8))
    assert y.tolist() == [-128, 1]


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize(("shape", "axis"), [((3, 17, 8), 1), ((3, 17, 8), -1), ((17,), 0), ((4, 3, 5), 0)])
def test_a_scale_for_each_place_along_an_axis(dtype, shape, axis):
    rng = np.random.default_rng(3)
    x = rng.standard_normal(shape).astype(np.float32)
    n = shape[axis]
    scale, zero = (0.01 + rng.random(n)).astype(np.float32) / 20, drawn(4, dtype, n)
    wide = [per_axis(a, axis % len(shape), len(shape)) for a in (scale, zero)]
    y = run(quantize_linear, x, scale, zero, axis=axis)
    assert_array_equal(y, oracle.quantize(x, *wide))
    assert_array_equal(run(dequantize_linear, y, scale, zero, axis=axis), oracle.dequantize(y, *wide))


@pytest.mark.parametrize("dtype", [*BYTES, np.int32])
@pytest.mark.parametrize("shape", SHAPES)
def test_dequantize_linear(dtype, shape):
    x = drawn(5, dtype, shape) // (1 if np.dtype(dtype).itemsize == 1 else 64)
    scale, zero = np.asarray(np.float32(0.37)), drawn(6, dtype, ()) // dtype(1 if np.dtype(dtype).itemsize == 1 else 64)
    assert_array_equal(run(dequantize_linear, x, scale, zero), oracle.dequantize(x, scale, zero))


def test_sums_have_scales_of_their_own_too():
    x, scale = drawn(7, np.int32, (6, 5)) // 8, np.linspace(0.1, 2, 5, dtype=np.float32)
    zero = np.zeros(5, np.int32)
    assert_array_equal(run(dequantize_linear, x, scale, zero, axis=1), oracle.dequantize(x, scale, zero))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["mixed", "positive", "negative", "zero"])
@pytest.mark.parametrize("threads", [1, 2])
def test_dynamic_quantize_linear(shape, kind, threads):
    x = np.random.default_rng(8).standard_normal(shape).astype(np.float32)
    x = {"mixed": x, "positive": np.abs(x) + 1, "negative": -np.abs(x) - 1, "zero": x * 0}[kind]
    y, scale, zero = run(dynamic_quantize_linear, x, threads=threads)
    want = oracle.dynamic(x)
    assert (y.dtype, zero.dtype, scale.shape, zero.shape) == (np.uint8, np.uint8, (), ())
    for got, wanted in zip((y, scale, zero), want, strict=True):
        assert_array_equal(got, wanted)


def test_nothing_can_be_trained_through_integers():
    graph = Graph()
    x = graph.input((3,))
    q = quantize_linear(x, graph.constant(np.float32(1)), graph.constant(np.int8(0)))
    y = dequantize_linear(q, graph.constant(np.float32(1)), graph.constant(np.int8(0)))
    from edgenet.graph import emit

    with pytest.raises(TypeError, match=r"dequantize_linear has no gradient: .*train the float model"):
        gradients(emit("sum", [y], axes=(0,), keepdims=False), [x])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ((np.zeros(3, np.int32), np.float32(1), np.int8(0)), r"expected x to be float32, got int32\[3\]"),
        ((np.zeros(3, np.float32), np.float32(1), np.int32(0)), r"expected zero to be int8 or uint8, got int32\[\]"),
        (
            (np.zeros((2, 3), np.float32), np.ones(2, np.float32), np.zeros(2, np.int8)),
            r"expected the scale to be 3 numbers of float32, got float32\[2\]",
        ),
        (
            (np.zeros((2, 3), np.float32), np.ones(3, np.float32), np.zeros(2, np.int8)),
            r"expected the zero point to be 3 numbers of int8, got int8\[2\]",
        ),
    ],
)
def test_errors(arrays, message):
    graph = Graph()
    values = [graph.input(np.shape(a), str(np.asarray(a).dtype)) for a in arrays]
    with pytest.raises(ShapeError, match=f"quantize_linear: {message}"):
        quantize_linear(*values)


def test_an_axis_that_is_not_there():
    graph = Graph()
    x, scale, zero = graph.input((2, 3), "int8"), graph.input((3,)), graph.input((3,), "int8")
    with pytest.raises(ShapeError, match=r"dequantize_linear: axis 2 is out of range for x of shape \(2, 3\)"):
        dequantize_linear(x, scale, zero, axis=2)
    with pytest.raises(ShapeError, match=r"expected x to be int8, uint8, int32, got float32\[2\]"):
        dequantize_linear(graph.input((2,)), scale, zero)
    with pytest.raises(ShapeError, match=r"dynamic_quantize_linear: expected x to be float32, got int8\[2, 3\]"):
        dynamic_quantize_linear(x)
