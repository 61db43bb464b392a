"""conv2d and its gradients against the oracle, over seeded problems."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.run import run

from cases import conv_cases
from edgenet.graph import Graph, ShapeError, emit, get_op
from edgenet.kernels.target import current
from edgenet.ops import contraction, conv2d, conv_dx
from edgenet.ops.conv import can_add
from oracle import conv as oracle
from tolerance import tolerance

CASES = conv_cases(0, 96)


def dx(dy, w, **attrs):
    return emit("conv2d_dx", [dy, w], **attrs)


def dw(x, dy, **attrs):
    return emit("conv2d_dw", [x, dy], **attrs)


@pytest.mark.parametrize("case", CASES, ids=repr)
@pytest.mark.parametrize("fixed", [False, True], ids=["weights vary", "weights packed once"])
def test_forward(case, fixed):
    x, w, b, _ = case.arrays()
    y = run(conv2d, x, w, b, fixed=(1, 2) if fixed else (), **case.attrs)
    assert_allclose(y, oracle.conv2d(x, w, b, **case.attrs), *tolerance(y.dtype, case.k))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_input_gradient(case):
    x, w, _, dy = case.arrays()
    got = run(dx, dy, w, x_shape=x.shape, **case.attrs)
    k = case.kh * case.kw * case.co
    assert_allclose(got, oracle.conv2d_dx(dy, w, x.shape, **case.attrs), *tolerance(got.dtype, k))


@pytest.mark.parametrize("kept", [False, True], ids=["dx takes the place of what it adds", "which is read again"])
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_input_gradient_that_adds(case, kept):
    x, w, _, dy = case.arrays()

    def total(dy, w, x):
        other = x * np.float32(2)
        y = emit("conv2d_dx", [dy, w, other], x_shape=x.shape, **case.attrs)
        if not can_add(y.node):
            y.node.inputs.pop()
            y = y + other
        return y + other if kept else y * np.float32(1)

    got, k = run(total, dy, w, x), case.kh * case.kw * case.co
    want = oracle.conv2d_dx(dy, w, x.shape, **case.attrs) + (4 if kept else 2) * x
    assert_allclose(got, want, *tolerance(got.dtype, k))


@pytest.mark.parametrize("strides", [(1, 1), (2, 1), (1, 2), (3, 2), (4, 1)], ids=repr)
@pytest.mark.parametrize("rows", [1, 2], ids=["dense rows", "dilated rows"])
@pytest.mark.parametrize("ci", [1, 3])
def test_input_gradient_of_few_channels(strides, rows, ci, monkeypatch):
    """By the rows of the kernel, for a group of few images at a time."""
    monkeypatch.setattr(conv_dx, "has_few_channels", lambda g: True)  # whatever the lanes
    monkeypatch.setattr(conv_dx, "l2_bytes", lambda: 8192)
    attrs = {"strides": strides, "padding": ((2, 1), (1, 2)), "dilation": (rows, 1), "groups": 1}
    generator = np.random.default_rng(ci)
    x, w = generator.standard_normal((7, 9, 11, ci)), generator.standard_normal((3, 5, ci, 6)).astype(np.float32)
    dy = generator.standard_normal(oracle.conv2d(x, w, None, **attrs).shape).astype(np.float32)
    graph = Graph()
    y = dx(graph.input(dy.shape), graph.input(w.shape), x_shape=x.shape, **attrs)
    names = [call.kernel.name for call in get_op("conv2d_dx").lower(y.node)]
    assert sum("add_columns" in name for name in names) > 1, "several groups"
    got = run(dx, dy, w, x_shape=x.shape, **attrs)
    assert_allclose(got, oracle.conv2d_dx(dy, w, x.shape, **attrs), *tolerance(got.dtype, w.size))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_weight_gradient(case):
    x, w, _, dy = case.arrays()
    got = run(dw, x, dy, w_shape=w.shape, **case.attrs)
    k = dy.shape[0] * dy.shape[1] * dy.shape[2]
    assert_allclose(got, oracle.conv2d_dw(x, dy, w.shape, **case.attrs), *tolerance(got.dtype, k))


@pytest.mark.parametrize("width", [9, 10, 11, 12, 14, 15, 18, 20, 24, 28, 30, 36, 39, 45, 47, 60])
@pytest.mark.parametrize("rows", [1, 3])
def test_narrow_layers_with_rows_of_any_length(width, rows):
    """Rows of `width` pixels forward; in the weight gradient of so many channels beside one another."""
    rng, co = np.random.default_rng(width), current().lanes
    x, w = (rng.standard_normal(s).astype(np.float32) for s in ((2, rows, width, 3), (1, 1, 3, co)))
    attrs = {"strides": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1), "groups": 1}
    wide, padded = {**attrs, "padding": ((0, 0), (1, 1))}, (1, 3, 3, co)
    for fixed in ((), (1,)):
        for kernel, a in ((w, attrs), (np.resize(x, padded), wide)):
            y = run(conv2d, x, kernel, None, fixed=fixed, **a)
            assert_allclose(y, oracle.conv2d(x, kernel, None, **a), *tolerance(y.dtype, kernel[..., 0].size))
    x = rng.standard_normal((2, 4, 5, width)).astype(np.float32)
    for kernel, a in (((1, 1, width, co), attrs), ((2, 1, width, co), attrs)):
        dy = rng.standard_normal((2, 5 - kernel[0], 5, co)).astype(np.float32)
        got = run(dw, x, dy, w_shape=kernel, **a)
        assert_allclose(got, oracle.conv2d_dw(x, dy, kernel, **a), *tolerance(got.dtype, dy.size // co))


@pytest.mark.parametrize("seed", range(24))
def test_few_output_channels(seed):
    """Several pixels are computed abreast; what each of them is told apart by must not get mixed up."""
    lanes, rng = current().lanes, np.random.default_rng(seed)
    co = int(rng.integers(1, lanes // 2 + 1))
    kh, kw, rows, stride, n, ci = (int(rng.integers(1, most + 1)) for most in (3, 5, 2, 2, 3, 5))
    kw = max(kw, stride + 1)
    wo = int(rng.integers(2, lanes // co + 1)) * int(rng.integers(1, 4))
    padding = ((kh // 2, 0), (kw // 2, int(rng.integers(kw - kw // 2))))
    x_shape = (n, 3 * rows + kh, (wo - 1) * stride + kw - sum(padding[1]) + int(rng.integers(stride)), ci)
    attrs = {"strides": (rows, stride), "padding": padding, "dilation": (1, 1), "groups": 1}
    x, w, b = (rng.standard_normal(s).astype(np.float32) for s in (x_shape, (kh, kw, ci, co), (co,)))
    dy = rng.standard_normal(oracle.conv2d(x, w, None, **attrs).shape).astype(np.float32)
    assert dy.shape[2] == wo
    graph = Graph()
    graph.training = True
    values = [graph.input(a.shape) for a in (x, w, dy)]
    for node, name in (
        (conv2d(*values[:2], **attrs).node, "conv.spread"),
        (dw(values[0], values[2], w_shape=w.shape, **attrs).node, "conv.gather"),
    ):
        assert name in [call.kernel.name for call in get_op(node.op).lower(node)]
    k = kh * kw * ci
    for fixed in ((), (1, 2)):
        y = run(conv2d, x, w, b, dy, activation=("relu",), fixed=fixed, training=True, **attrs)
        assert_allclose(y, np.maximum(oracle.conv2d(x, w, b, **attrs) + dy, 0), *tolerance(y.dtype, k))
    y, one, two = (run(conv2d, x, w, None, threads=t, training=True, **attrs) for t in (None, 1, 2))
    assert_allclose(y, oracle.conv2d(x, w, None, **attrs), *tolerance(y.dtype, k))
    got, first, second = (run(dw, x, dy, threads=t, w_shape=w.shape, **attrs) for t in (None, 1, 2))
    assert_allclose(got, oracle.conv2d_dw(x, dy, w.shape, **attrs), *tolerance(got.dtype, dy.size // co))
    for a, b in ((one, y), (two, y), (first, got), (second, got)):
        assert_array_equal(a, b)


@pytest.mark.parametrize("odd", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize(("ci", "co"), [(1, 2), (1, 6), (3, 8), (8, 8), (16, 32)])
def test_what_is_not_finite_stays_in_the_windows_that_see_it(odd, ci, co):
    rng = np.random.default_rng(co)
    x, w = (rng.standard_normal(s).astype(np.float32) for s in ((2, 9, 24, ci), (3, 3, ci, co)))
    x[1, 4, 11, -1] = odd
    y = run(conv2d, x, w, None)
    assert_array_equal(np.isfinite(y), np.isfinite(oracle.conv2d(x, w, None)))


@pytest.mark.parametrize("width", [1, 7, 8, 9, 15, 16, 17, 24, 25, 33])
def test_depthwise_rows_of_any_length(width):
    """Rows are cut into tiles of several lengths, and channels into vectors."""
    rng = np.random.default_rng(width)
    attrs = {"strides": (1, 1), "padding": ((1, 0), (1, 1)), "dilation": (1, 1), "groups": 21}
    x, w, b = (rng.standard_normal(s).astype(np.float32) for s in ((2, 3, width, 21), (2, 3, 1, 21), (21,)))
    dy = rng.standard_normal((2, 3, width, 21)).astype(np.float32)
    y = run(conv2d, x, w, b, **attrs)
    assert_allclose(y, oracle.conv2d(x, w, b, **attrs), *tolerance(y.dtype, 9))
    got = run(dx, dy, w, x_shape=x.shape, **attrs)
    assert_allclose(got, oracle.conv2d_dx(dy, w, x.shape, **attrs), *tolerance(got.dtype, 9))


@pytest.mark.parametrize("channels", [3, 4, 7, 8, 12, 15, 16, 17, 24, 128, 130, 145, 160, 270])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (1, 2)], ids=repr)
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (3, 2), (4, 7), (7, 6), (8, 9)], ids=repr)
def test_depthwise_windows(size, strides, channels):
    """Bands of rows are cut off at the end, the last vector of channels begins before the one in front of it ends."""
    rng = np.random.default_rng([*size, *strides, channels])
    attrs = {"strides": strides, "padding": ((1, 1), (2, 0)), "dilation": (1, 1), "groups": channels}
    x, w, b = (rng.standard_normal(s).astype(np.float32) for s in ((2, *size, channels), (3, 3, 1, channels), channels))
    want = oracle.conv2d(x, w, b, **attrs)
    assert_allclose(run(conv2d, x, w, b, **attrs), want, *tolerance(x.dtype, 9))
    y = run(conv2d, x, w, b, activation=("relu",), **attrs)
    assert_allclose(y, np.maximum(want, 0), *tolerance(x.dtype, 9))
    y = run(conv2d, x, w, None, activation=("clip", -0.5, 0.5), **attrs)
    assert_allclose(y, np.clip(oracle.conv2d(x, w, None, **attrs), -0.5, 0.5), *tolerance(x.dtype, 9))
    dy = rng.standard_normal(want.shape).astype(np.float32)
    y = run(conv2d, x, w, b, dy, activation=("leaky_relu", 0.1), **attrs)
    assert_allclose(y, np.where(want + dy < 0, 0.1, 1) * (want + dy), *tolerance(x.dtype, 9))
    got = run(dx, dy, w, x_shape=x.shape, **attrs)
    assert_allclose(got, oracle.conv2d_dx(dy, w, x.shape, **attrs), *tolerance(x.dtype, 9))
    for spoiled in ((0, 0, 0, 0), (1, -1, -1, -1), ...):  # reaches the weights that it meets, and no others
        got = run(dw, x, dy, w_shape=w.shape, **attrs)
        assert_allclose(got, oracle.conv2d_dw(x, dy, w.shape, **attrs), *tolerance(x.dtype, dy.size // channels))
        x[spoiled] = np.nan


@pytest.mark.parametrize("channels", [4, 7, 8, 16, 17, 40, 270])
@pytest.mark.parametrize("rows", [(0, 0), (0, 1), (1, 1), (2, 1)], ids=repr)
@pytest.mark.parametrize("columns", [(0, 1), (1, 0), (3, 2)], ids=repr)
@pytest.mark.parametrize("size", [(4, 2), (6, 6), (34, 18)], ids=repr)
def test_input_gradient_of_depthwise_windows_with_stride_2(size, rows, columns, channels):
    """In blocks of four pixels, which begin at the one or at the other end of an axis."""
    rng = np.random.default_rng([*size, *rows, *columns, channels])
    attrs = {"strides": (2, 2), "padding": (rows, columns), "dilation": (1, 1), "groups": channels}
    shape, w = (2, *size, channels), rng.standard_normal((3, 3, 1, channels)).astype(np.float32)
    dy = rng.standard_normal(oracle.conv2d(np.zeros(shape, np.float32), w, None, **attrs).shape).astype(np.float32)
    graph = Graph()
    y = dx(graph.input(dy.shape), graph.input(w.shape), x_shape=shape, **attrs)
    name = "depthwise.windows2_dx" if channels >= min(current().lanes, 8) else "depthwise.depthwise"
    assert [call.kernel.name for call in get_op("conv2d_dx").lower(y.node)][-1] == name
    got, one, two = (run(dx, dy, w, threads=t, x_shape=shape, **attrs) for t in (None, 1, 2))
    assert_allclose(got, oracle.conv2d_dx(dy, w, shape, **attrs), *tolerance(got.dtype, 9))
    assert_array_equal(one, got)
    assert_array_equal(two, got)


@pytest.mark.parametrize("case", CASES[:24], ids=repr)
@pytest.mark.parametrize("activation", [("relu",), ("clip", -0.5, 1.5), ("leaky_relu", 0.1)], ids=repr)
def test_epilogue(case, activation):
    x, w, b, dy = case.arrays()
    y = run(conv2d, x, w, b, dy, activation=activation, **case.attrs)
    z = oracle.conv2d(x, w, b, **case.attrs) + dy
    kind, *p = activation
    want = {
        "relu": lambda: np.maximum(z, 0),
        "clip": lambda: np.clip(z, *p),
        "leaky_relu": lambda: np.where(z < 0, p[0] * z, z),
    }
    assert_allclose(y, want[kind](), *tolerance(y.dtype, case.k))


@pytest.mark.parametrize("case", CASES[:48], ids=repr)
def test_a_long_sum_is_taken_in_chunks(case, monkeypatch):
    """With caches of 4 KB every k is long."""
    monkeypatch.setattr(contraction, "_L1", 4096)
    monkeypatch.setattr(contraction, "_L2", 4096)
    monkeypatch.setattr(contraction, "LONG", 1)
    x, w, b, dy = case.arrays()
    y = run(conv2d, x, w, b, dy, activation=("leaky_relu", 0.1), fixed=(1,), **case.attrs)
    want = oracle.conv2d(x, w, b, **case.attrs) + dy
    assert_allclose(y, np.where(want < 0, 0.1 * want, want), *tolerance(y.dtype, case.k))
    got = run(dw, x, dy, w_shape=w.shape, **case.attrs)
    assert_allclose(got, oracle.conv2d_dw(x, dy, w.shape, **case.attrs), *tolerance(got.dtype, dy.size))


@pytest.mark.parametrize("case", CASES[:16], ids=repr)
def test_threads_change_no_bit(case):
    x, w, b, dy = case.arrays()
    for function, arrays, attrs in (
        (conv2d, (x, w, b), {}),
        (dx, (dy, w), {"x_shape": x.shape}),
        (dw, (x, dy), {"w_shape": w.shape}),
    ):
        one, two, four = (run(function, *arrays, threads=t, **attrs, **case.attrs) for t in (1, 2, 4))
        assert_array_equal(one, two)
        assert_array_equal(one, four)


def test_nan_and_infinity_stay():
    x, w = np.ones((1, 4, 4, 3), np.float32), np.ones((1, 1, 3, 5), np.float32)
    x[0, 0, 0, 0], x[0, 1, 1, 1], x[0, 2, 2, 2] = np.nan, np.inf, -np.inf
    y = run(conv2d, x, w, activation=("relu",))
    assert np.isnan(y[0, 0, 0]).all()
    assert np.isposinf(y[0, 1, 1]).all()
    assert (y[0, 2, 2] == 0).all()


@pytest.mark.parametrize(
    ("shapes", "attrs", "words"),
    [
        (((1, 8, 8, 4), (3, 3, 3, 16)), {}, ["ci=4", "(1, 8, 8, 4)", "ci=3", "(3, 3, 3, 16)"]),
        (((1, 2, 8, 4), (3, 3, 4, 16)), {}, ["window of 3", "axis 1", "(1, 2, 8, 4)"]),
        (((1, 8, 8, 4), (3, 3, 2, 15)), {"groups": 2}, ["co=15", "groups=2"]),
        (((1, 8, 8, 4), (3, 3, 4, 16)), {"strides": (0, 1)}, ["strides=(0, 1)"]),
        (((8, 8, 4), (3, 3, 4, 16)), {}, ["(8, 8, 4)", "(n, h, w, ci)"]),
    ],
)
def test_errors_name_both_sides(shapes, attrs, words):
    graph = Graph()
    with pytest.raises(ShapeError) as error:
        conv2d(*(graph.input(s) for s in shapes), **attrs)
    assert str(error.value).startswith("conv2d: ")
    for word in words:
        assert word in str(error.value)


def test_input_gradient_of_a_picture_that_is_all_padding():
    x_shape, w = (2, 0, 4, 3), np.ones((3, 3, 3, 5), np.float32)
    padding = ((2, 2), (1, 1))
    got = run(dx, np.ones((2, 2, 4, 5), np.float32), w, x_shape=x_shape, strides=(1, 1), padding=padding,
              dilation=(1, 1), groups=1)  # fmt: skip
    assert got.shape == x_shape
