"""Pooling and its gradients against the oracle, over seeded problems."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.run import run

from cases import pool_cases
from edgenet.graph import Graph, ShapeError, emit, get_op, gradients
from edgenet.kernels.compiler import ENTRY
from edgenet.kernels.cpu import pool
from edgenet.ops.pool import avg_pool, max_pool
from oracle import pool as oracle
from oracle.difference import central_difference
from tolerance import tolerance

CASES = pool_cases(0, 96)
INCLUDE = pytest.mark.parametrize("include_pad", [False, True], ids=["pixels", "window"])


def max_dx(x, y, dy, **attrs):
    return emit("max_pool_dx", [x, y, dy], **attrs)


def avg_dx(dy, **attrs):
    return emit("avg_pool_dx", [dy], **attrs)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_max(case):
    x, _ = case.arrays()
    assert_array_equal(run(max_pool, x, pool=case.size, **case.attrs), oracle.max_pool2d(x, case.size, **case.attrs))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_max_gradient(case):
    x, dy = case.arrays()
    y = oracle.max_pool2d(x, case.size, **case.attrs).astype(np.float32)
    got = run(max_dx, x, y, dy, pool=case.size, **case.attrs)
    want = oracle.max_pool2d_dx(dy, x, case.size, **case.attrs)
    assert_allclose(got, want, *tolerance(got.dtype, case.k))


@pytest.mark.parametrize("case", CASES, ids=repr)
@INCLUDE
def test_average(case, include_pad):
    x, _ = case.arrays()
    y = run(avg_pool, x, pool=case.size, include_pad=include_pad, **case.attrs)
    want = oracle.average_pool2d(x, case.size, include_padding=include_pad, **case.attrs)
    assert_allclose(y, want, *tolerance(y.dtype, case.k))


@pytest.mark.parametrize("case", CASES, ids=repr)
@INCLUDE
def test_average_gradient(case, include_pad):
    x, dy = case.arrays()
    got = run(avg_dx, dy, x_shape=x.shape, pool=case.size, include_pad=include_pad, **case.attrs)
    want = oracle.average_pool2d_dx(dy, x.shape, case.size, include_padding=include_pad, **case.attrs)
    assert_allclose(got, want, *tolerance(got.dtype, case.k))


@pytest.mark.parametrize("channels", [1, 3, 4, 7, 8, 12, 15, 16, 17, 40, 63, 64, 65, 130])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)], ids=repr)
def test_every_width_of_channels(channels, strides):
    rng = np.random.default_rng(channels)
    x = rng.standard_normal((2, 5, 6, channels)).astype(np.float32)
    attrs = {"strides": strides, "padding": ((1, 0), (0, 1))}
    y = run(max_pool, x, pool=(2, 2), **attrs)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    assert_array_equal(y, oracle.max_pool2d(x, (2, 2), **attrs))
    dx = run(max_dx, x, y, dy, pool=(2, 2), **attrs)
    assert_allclose(dx, oracle.max_pool2d_dx(dy, x, (2, 2), **attrs), *tolerance(dx.dtype, 4))
    mean = run(avg_pool, x, pool=(2, 2), **attrs)
    assert_allclose(mean, oracle.average_pool2d(x, (2, 2), **attrs), *tolerance(mean.dtype, 4))
    dx = run(avg_dx, dy, x_shape=x.shape, pool=(2, 2), include_pad=False, **attrs)
    assert_allclose(dx, oracle.average_pool2d_dx(dy, x.shape, (2, 2), **attrs), *tolerance(dx.dtype, 4))


@pytest.mark.parametrize("function", [max_pool, avg_pool])
@pytest.mark.parametrize("case", [c for c in CASES if 0 < np.prod(c.x_shape) < 400 and not c.ties], ids=repr)
def test_gradients_by_central_differences(function, case):
    """The whole way: autodiff, compiler, kernels, against the slope of the oracle."""
    x, dy = case.arrays()
    judge = {max_pool: oracle.max_pool2d, avg_pool: oracle.average_pool2d}[function]

    def gradient(x, dy, **attrs):
        y = function(x, **attrs)
        return gradients(emit("sum", [y * dy], axes=(0, 1, 2, 3), keepdims=False), [x])[0]

    dx = run(gradient, x, dy, pool=case.size, **case.attrs)
    want = central_difference(lambda x: judge(x, case.size, **case.attrs), x, dy)
    assert_allclose(dx, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", CASES[:24], ids=repr)
def test_threads_change_no_bit(case):
    x, dy = case.arrays()
    y = oracle.max_pool2d(x, case.size, **case.attrs).astype(np.float32)
    for function, arrays, attrs in (
        (max_pool, (x,), {}),
        (max_dx, (x, y, dy), {}),
        (avg_pool, (x,), {}),
        (avg_dx, (dy,), {"x_shape": x.shape, "include_pad": False}),
    ):
        one, two, four = (run(function, *arrays, threads=t, pool=case.size, **attrs, **case.attrs) for t in (1, 2, 4))
        assert_array_equal(one, two)
        assert_array_equal(one, four)


@pytest.mark.parametrize(("pool", "strides"), [((3, 3), (1, 1)), ((3, 2), (3, 2))], ids=repr)
def test_threads_change_no_bit_of_a_large_problem(pool, strides):
    rng = np.random.default_rng(7)
    x = np.round(rng.standard_normal((3, 41, 37, 70))).astype(np.float32)
    attrs = {"pool": pool, "strides": strides, "padding": ((1, 1), (0, 1))}
    y = run(max_pool, x, threads=1, **attrs)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    for function, arrays, more in (
        (max_pool, (x,), {}),
        (max_dx, (x, y, dy), {}),
        (avg_pool, (x,), {}),
        (avg_dx, (dy,), {"x_shape": x.shape, "include_pad": False}),
    ):
        one, two, four = (run(function, *arrays, threads=t, **more, **attrs) for t in (1, 2, 4))
        assert_array_equal(one, two)
        assert_array_equal(one, four)


@pytest.mark.parametrize("channels", [1, 3, 4, 6, 8, 13, 16, 17, 32, 70])
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("more", [(0, 0), (1, 2), (6, 7)], ids=repr)
def test_windows_without_padding(k, stride, channels, more):
    """Rows and columns that are left over receive no gradient; of equal maxima, and of NaNs, the first one does."""
    rng = np.random.default_rng([k, stride, channels, *more])
    x = np.round(2 * rng.standard_normal((2, k + more[0], k + more[1], channels))).astype(np.float32)
    x[1, 1, 0], x[0, :2] = np.nan, -np.inf
    attrs = {"strides": (stride, stride), "padding": ((0, 0), (0, 0))}
    y = run(max_pool, x, pool=(k, k), **attrs)
    assert_array_equal(y, oracle.max_pool2d(x, (k, k), **attrs))
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dx = run(max_dx, x, y, dy, pool=(k, k), **attrs)
    assert_allclose(dx, oracle.max_pool2d_dx(dy, x, (k, k), **attrs), *tolerance(dx.dtype, k * k))


@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (3, 3)], ids=repr)
@pytest.mark.parametrize("padding", [((1, 0), (0, 1)), ((0, 0), (0, 0))], ids=["padded", "inside"])
@pytest.mark.parametrize("channels", [20, 150])
def test_each_number_is_written_by_one_task(strides, padding, channels):
    """What threads must not do would seldom show in their results: here each task runs alone, on paper left blank."""
    x = np.random.default_rng(3).standard_normal((2, 7, 6, channels)).astype(np.float32)
    attrs = {"pool": (2, 2), "strides": strides, "padding": padding}
    g = Graph()
    values = [g.input(x.shape)]
    values.append(max_pool(values[0], **attrs))
    values.append(g.input(values[1].shape))
    y = run(max_pool, x, **attrs)
    arrays = dict(zip(map(id, values), (x, y, np.ones_like(y)), strict=True))
    for out in (values[1], max_dx(*values, **attrs), avg_dx(values[2], x_shape=x.shape, include_pad=True, **attrs)):
        (call,) = get_op(out.node.op).lower(out.node)
        written = np.zeros(out.shape, int)
        for task in range(call.tasks):
            blank = np.full(out.shape, np.nan, np.float32)
            memory = {**arrays, id(out): blank}
            words = call.kernel.pack(tuple(memory[id(a)].ctypes.data if id(a) in memory else a for a in call.args))
            ENTRY(call.kernel.address)(np.array(words, np.int64).ctypes.data, task, task + 1)
            written += ~np.isnan(blank)
        assert_array_equal(written, 1, err_msg=out.node.op)


def within(x, before, after):
    """x inside something larger, of NaN: x there, all numbers from its first on, its strides but that of c."""
    n, h, w, c = x.shape
    whole = np.full((n, h + 3, w + 2, before + c + after), np.nan, np.float32)
    inside = whole[:, 1 : h + 1, 1 : w + 1, before : before + c]
    inside[...] = x
    return inside, whole.reshape(-1)[(whole.shape[2] + 1) * whole.shape[3] + before :], [s // 4 for s in inside.strides]


@pytest.mark.parametrize("case", [c for c in CASES if np.prod(c.x_shape) > 0], ids=repr)
@pytest.mark.parametrize(("before", "after"), [(0, 0), (3, 16)])
def test_operands_lie_inside_larger_ones(case, before, after):
    x, dy = case.arrays()
    y = oracle.max_pool2d(x, case.size, **case.attrs).astype(np.float32)
    (n, oh, ow, c), (top, _), (left, _) = y.shape, *case.padding
    sizes = (*x.shape[1:], oh, ow, *case.size, *case.strides, top, left)

    def check(kernel, want, *sources, tasks, rest=(), sizes=sizes):
        target = np.empty(want.shape, np.float32)
        placed = [within(a, before, after) for a in sources] + [within(target, after, before)]
        inside, flat, _ = placed[-1]
        inside[...] = 0
        around = np.isnan(flat)
        inside[...] = np.nan
        strides = [s for _, _, (*some, _) in placed for s in some]
        kernel(*(f for _, f, _ in placed), *sizes, *strides, *rest, tasks=tasks)
        assert_allclose(inside, want, *tolerance(target.dtype, case.k))
        assert np.isnan(flat[around]).all(), "something is written outside"

    average = oracle.average_pool2d(x, case.size, include_padding=True, **case.attrs)
    check(pool.max_pool, y, x, tasks=n * oh)
    check(pool.avg_pool, average, x, tasks=n * oh, rest=(1,))
    average_dx = oracle.average_pool2d_dx(dy, x.shape, case.size, include_padding=True, **case.attrs)
    check(pool.avg_pool_dx, average_dx, dy, tasks=n * case.h, rest=(1 / case.k,))
    bands, blocks = (oh, 1) if case.strides[0] >= case.size[0] else (1, -(-c // pool.CHANNEL_BLOCK))
    dx = oracle.max_pool2d_dx(dy, x, case.size, **case.attrs)
    check(pool.max_pool_dx, dx, x, y, dy, tasks=n * bands * blocks, rest=(bands, blocks))
    if case.size in ((2, 2), (3, 3)) and not any(map(any, case.padding)):
        check(pool.max_inside[case.size[0]], y, x, tasks=n * oh, sizes=(c, oh, ow, *case.strides))
        if case.strides == case.size:
            check(pool.max_inside_dx[case.size[0]], dx, x, y, dy, tasks=n * oh, sizes=(*x.shape[1:], oh, ow))


@pytest.mark.parametrize("channels", [1, 4, 8, 16, 70])
def test_nan_and_infinity_pass_through_the_maximum(channels):
    rng = np.random.default_rng(channels)
    x = rng.standard_normal((1, 6, 6, channels)).astype(np.float32)
    x[0, 0, 1], x[0, 2, 2], x[0, 3, 3], x[0, 4:6, 0:2], x[0, 5, 5] = np.nan, np.nan, np.inf, -np.inf, np.inf
    y = run(max_pool, x, pool=(2, 2))
    assert_array_equal(y, oracle.max_pool2d(x, (2, 2)))
    assert np.isnan(y[0, 0, 0]).all(), "a NaN that is not the last of its window"
    assert np.isneginf(y[0, 2, 0]).all()
    dy = np.ones_like(y)
    dx = run(max_dx, x, y, dy, pool=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)))
    assert_array_equal(dx, oracle.max_pool2d_dx(dy, x, (2, 2)))


def test_the_first_of_equal_maxima_receives_the_gradient():
    x = np.array([[1, 5, 5], [5, 0, 5], [2, 5, 1]], np.float32).reshape(1, 3, 3, 1)
    y, dy = np.full((1, 1, 1, 1), 5, np.float32), np.full((1, 1, 1, 1), 3, np.float32)
    dx = run(max_dx, x, y, dy, pool=(3, 3), strides=(1, 1), padding=((0, 0), (0, 0)))
    assert_array_equal(dx[0, :, :, 0], [[0, 3, 0], [0, 0, 0], [0, 0, 0]])


@pytest.mark.parametrize("batch", [0, 1])
def test_an_empty_batch_and_a_single_pixel(batch):
    x = np.full((batch, 1, 1, 5), 2.0, np.float32)
    for function in (max_pool, avg_pool):
        assert_array_equal(run(function, x, pool=(1, 1)), x)
        assert_array_equal(run(function, x, pool=(3, 3), padding=((1, 1), (1, 1))), x)


def test_an_unknown_batch_passes_through():
    x = Graph().input(("batch", 9, 9, 4))
    assert max_pool(x, (2, 2)).shape == ("batch", 4, 4, 4)
    assert avg_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1))).shape == ("batch", 5, 5, 4)


@pytest.mark.parametrize("function", [max_pool, avg_pool])
@pytest.mark.parametrize(
    ("shape", "attrs", "said"),
    [
        ((1, 4, 4), {"pool": (2, 2)}, r"\(n, h, w, c\).*\(1, 4, 4\)"),
        ((1, "h", 4, 1), {"pool": (2, 2)}, "known"),
        ((1, 4, 4, 1), {"pool": (5, 2)}, "window of 5 does not fit into h=4"),
        ((1, 0, 4, 1), {"pool": (2, 2), "padding": ((1, 1), (0, 0))}, "does not fit into h=0"),
        ((1, 4, 4, 1), {"pool": (2, 2), "padding": ((0, 0), (0, 2))}, "along w .* wholly in the padding"),
        ((1, 4, 4, 1), {"pool": (2, 2), "strides": (0, 1)}, "at least 1"),
        ((1, 4, 4, 1), {"pool": (2, 2), "padding": ((-1, 0), (0, 0))}, "at least 0"),
    ],
    ids=repr,
)
def test_what_does_not_fit_is_refused(function, shape, attrs, said):
    with pytest.raises(ShapeError, match=f"{function.__name__}: .*{said}"):
        function(Graph().input(shape), **attrs)


def test_a_gradient_of_the_wrong_shape_is_refused():
    g = Graph()
    with pytest.raises(ShapeError, match=r"expected dy of shape \(1, 2, 2, 1\)"):
        avg_dx(g.input((1, 3, 2, 1)), x_shape=(1, 4, 4, 1), pool=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)))
