"""Ops that only move numbers: they are exact, so every comparison is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.run import run

from edgenet.compile import compile_graph
from edgenet.graph import At, Graph, ShapeError, emit, gradients
from edgenet.kernels.cpu.movement import copy
from edgenet.ops import (
    broadcast_to,
    concat,
    depth_to_space,
    flat,
    pad,
    reshape,
    slice_,
    space_to_depth,
    transpose,
)
from edgenet.ops.grid import Grid, calls
from oracle import movement as oracle
from oracle.difference import central_difference

THREADS = pytest.mark.parametrize("threads", [1, 2, 4])


def array(*shape, seed=0):
    """Different numbers, so that a number in the wrong place is seen."""
    return np.random.default_rng([seed, *shape]).permutation(int(np.prod(shape))).reshape(shape).astype(np.float32)


def pulled_back(function, dy, *xs, **attrs):
    """Gradients of sum(dy · function(xs)), by autodiff and the compiler."""

    def gradient(*values):
        *xs, dy = values
        y = function(*xs, **attrs)
        total = emit("sum", [y * dy], axes=tuple(range(len(y.shape))), keepdims=False)
        return gradients(total, xs)

    return run(gradient, *xs, dy)


# reshape -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(12,), (3, -1), (-1, 1, 6), (2, 6), ()], ids=repr)
def test_reshape(shape):
    x = array(3, 4) if shape else array(1, 1)
    assert_array_equal(run(lambda x: reshape(x * 1.0, shape), x), x.reshape(shape))
    dy = array(*x.reshape(shape).shape, seed=1)
    if shape:
        assert_array_equal(pulled_back(lambda x: reshape(x, shape), dy, x)[0], dy.reshape(x.shape))


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_reshape_takes_any_dtype(dtype):
    x = np.arange(6, dtype=dtype)
    assert_array_equal(run(reshape, x, newshape=(2, 3)), x.reshape(2, 3), strict=True)


@pytest.mark.parametrize(
    ("shape", "wanted", "got"),
    [
        (("batch", 7, 7, 64), ("batch", 3136), ("batch", 3136)),
        (("batch", 7, 7, 64), ("batch", -1), ("batch", 3136)),
        (("batch", 7, 7, 64), (-1, 3136), ("batch", 3136)),
        (("batch", "time", 4), ("time", "batch", 2, 2), ("time", "batch", 2, 2)),
        ((32, 7, 7, 64), ("batch", 3136), (32, 3136)),
        ((0, 4), (-1, 2, 2), (0, 2, 2)),
    ],
    ids=repr,
)
def test_reshape_of_sizes_that_are_not_known(shape, wanted, got):
    assert reshape(Graph().input(shape), wanted).shape == got


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [((2, 3), (5,)), ((2, 3), (-1, 4)), ((2, 3), (-1, -1)), (("n", 4), (-1, 2)), (("n", 4), (8,)), ((2,), (-2, -1))],
    ids=repr,
)
def test_reshape_refuses_what_does_not_fit(shape, wanted):
    with pytest.raises(ShapeError, match=r"^reshape: "):
        reshape(Graph().input(shape), wanted)


# transpose -----------------------------------------------------------------------------------------------------------

PERMUTATIONS = [
    ((5,), (0,)), ((3, 4), (0, 1)), ((3, 4), (1, 0)), ((17, 33), (1, 0)), ((16, 16), (1, 0)), ((1, 7), (1, 0)),
    ((2, 3, 4), (2, 0, 1)), ((2, 3, 4), (1, 2, 0)), ((2, 3, 4), (0, 2, 1)), ((2, 3, 4), (2, 1, 0)),
    ((2, 3, 9, 11), (0, 2, 3, 1)), ((2, 9, 11, 3), (0, 3, 1, 2)), ((2, 20, 5, 17), (0, 2, 3, 1)),
    ((2, 5, 17, 20), (0, 3, 1, 2)), ((3, 3, 40, 50), (3, 2, 0, 1)), ((2, 5, 4, 16), (0, 2, 1, 3)),
    ((2, 3, 2, 3, 2), (4, 2, 0, 3, 1)), ((2, 1, 3, 1, 2, 2), (5, 1, 3, 2, 0, 4)), ((0, 3, 4), (2, 0, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "perm"), PERMUTATIONS, ids=repr)
@THREADS
def test_transpose(shape, perm, threads):
    x = array(*shape)
    assert_array_equal(run(transpose, x, axes=perm, threads=threads), oracle.transpose(x, perm))


@pytest.mark.parametrize(("shape", "perm"), PERMUTATIONS, ids=repr)
def test_transpose_gradient(shape, perm):
    x = array(*shape)
    dy = array(*oracle.transpose(x, perm).shape, seed=1)
    assert_array_equal(pulled_back(transpose, dy, x, axes=perm)[0], oracle.transpose_dx(dy, perm))


@THREADS
@pytest.mark.parametrize("perm", [(0, 2, 3, 1), (0, 3, 1, 2), (3, 1, 2, 0)], ids=repr)
def test_transpose_of_a_large_array(perm, threads):
    x = array(3, 37, 41, 70)
    assert_array_equal(run(transpose, x, axes=perm, threads=threads), oracle.transpose(x, perm))


@pytest.mark.parametrize("channels", [2, 3, 4, 5])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 8), (7, 33), (40, 60)], ids=repr)
def test_planes_become_pixels(channels, size):
    x = array(2, channels, *size)
    assert_array_equal(run(transpose, x, axes=(0, 2, 3, 1)), oracle.transpose(x, (0, 2, 3, 1)))


@pytest.mark.parametrize("channels", [1, 3, 4, 20])
def test_planes_become_the_inside_of_a_larger_image(channels):
    x, y = array(2, channels, 9, 37), np.full((2, 12, 39, channels), np.nan, np.float32)
    inside = y[:, 2:11, 1:38]
    g = Graph()
    source, target = g.input(x.shape), g.input(y.shape)
    sx, sy = ([stride // 4 for stride in a.strides] for a in (x.transpose(0, 2, 3, 1), inside))
    (call,) = calls(source, target, Grid(inside.shape, sx, sy, y0=(2 * 39 + 1) * channels))
    flat = {id(source): x.reshape(-1), id(target): y.reshape(-1)}
    call.kernel(*(flat[id(a[0])][a[1] :] if isinstance(a, At) else a for a in call.args), tasks=call.tasks)
    assert_array_equal(inside, oracle.transpose(x, (0, 2, 3, 1)))
    inside[...] = np.nan
    assert np.isnan(y).all(), "nothing is written around it"


# concat, flat --------------------------------------------------------------------------------------------------------

JOINS = [
    (((3,), (4,)), 0), (((2, 3), (2, 5)), 1), (((2, 3), (4, 3)), 0), (((2, 3), (2, 0), (2, 1)), -1),
    (((1, 4, 4, 3), (1, 4, 4, 8), (1, 4, 4, 1)), -1), (((1, 2, 4), (1, 3, 4)), 1), (((2, 2, 4), (2, 3, 4)), -2),
    (((0, 3), (0, 2)), 1), (((5, 6),), 1),
]  # fmt: skip


def join(*xs, axis):
    return concat(xs, axis)


@pytest.mark.parametrize(("shapes", "axis"), JOINS, ids=repr)
@pytest.mark.parametrize("inside", [False, True], ids=["copied", "computed in place"])
def test_concat(shapes, axis, inside):
    xs = [array(*s, seed=i) for i, s in enumerate(shapes)]
    y = run(lambda *xs: concat([x * 2.0 for x in xs] if inside else xs, axis), *xs)
    assert_array_equal(y, oracle.concat(xs, axis) * (2 if inside else 1))


@pytest.mark.parametrize(("shapes", "axis"), JOINS, ids=repr)
def test_concat_gradient(shapes, axis):
    xs = [array(*s) for s in shapes]
    dy = array(*oracle.concat(xs, axis).shape, seed=1)
    want = oracle.concat_grad(dy, [x.shape[axis] for x in xs], axis)
    for got, w in zip(pulled_back(join, dy, *xs, axis=axis), want, strict=True):
        assert_array_equal(got, w)


def test_concat_of_a_value_with_itself():
    x = array(1, 3)
    assert_array_equal(run(lambda x: concat([x * 2.0] * 2, 1), x), np.concatenate([x, x], axis=1) * 2)

    def twice(x):
        y = x * 2.0
        return concat([y, y, x], 0)

    assert_array_equal(run(twice, x), np.concatenate([2 * x, 2 * x, x], axis=0))


def copies(graph):
    return sum(step.call.kernel is copy for step in compile_graph(graph).steps)


def test_strips_that_follow_each_other_are_computed_in_place():
    for axis, shape, count in ((-1, (1, 1, 5), 0), (0, (4, 5), 0), (1, (1, 5), 0)):
        g = Graph()
        x = g.input(shape)
        g.outputs = [concat([x * 2.0, x * 3.0], axis)]
        assert copies(g) == count, (axis, shape)
    g = Graph()
    x = g.input((4, 5))
    g.outputs = [flat(x * 2.0, x, reshape(x * 3.0, (5, 4)))]
    assert copies(g) == 1, "only the input has to be copied"


def test_flat():
    xs = [array(2, 3), array(5), array(0, 4), array(1, 2, 2)]
    assert_array_equal(run(flat, *xs), np.concatenate([x.ravel() for x in xs]))
    scaled = run(lambda *xs: flat(*(reshape(x * 2.0, (-1,)) if x.shape[0] else x for x in xs)), *xs)
    assert_array_equal(scaled, 2 * np.concatenate([x.ravel() for x in xs]))
    dy = array(15, seed=1)
    for got, x, want in zip(pulled_back(flat, dy, *xs), xs, np.split(dy, [6, 11, 11]), strict=True):
        assert_array_equal(got, want.reshape(x.shape))


@pytest.mark.parametrize(
    ("shapes", "axis"),
    [(((2, 3), (3, 3)), 1), (((2, 3), (2, 3, 1)), 0), (((2, 3),), 2), ((("n", 2), ("m", 2)), 1)],
    ids=repr,
)
def test_concat_refuses_what_does_not_fit(shapes, axis):
    g = Graph()
    with pytest.raises(ShapeError, match=r"^concat: "):
        concat([g.input(s) for s in shapes], axis)


# pad, slice ----------------------------------------------------------------------------------------------------------

PADDINGS = [
    ((3,), ((1, 2),)), ((3, 4), ((0, 0), (0, 0))), ((3, 4), ((2, 1), (0, 0))), ((3, 4), ((0, 0), (0, 3))),
    ((2, 5, 6, 3), ((0, 0), (1, 2), (3, 0), (0, 0))), ((2, 5, 6, 17), ((0, 0), (1, 1), (1, 1), (0, 0))),
    ((2, 3, 2, 3), ((1, 0), (0, 2), (1, 1), (2, 1))), ((2, 3, 4), ((0, 1), (0, 0), (1, 0))),
    ((0, 3, 3, 2), ((0, 0), (1, 1), (1, 1), (0, 0))), ((2, 0, 3), ((0, 0), (1, 1), (0, 1))),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "padding"), PADDINGS, ids=repr)
@pytest.mark.parametrize("value", [0.0, -1.5, -np.inf])
def test_pad(shape, padding, value):
    x = array(*shape)
    assert_array_equal(run(pad, x, pad_width=padding, constant_values=value), oracle.pad(x, padding, value))


@pytest.mark.parametrize(("shape", "padding"), PADDINGS, ids=repr)
def test_pad_gradient(shape, padding):
    x = array(*shape)
    dy = array(*oracle.pad(x, padding).shape, seed=1)
    assert_array_equal(pulled_back(pad, dy, x, pad_width=padding, constant_values=3.0)[0], oracle.pad_dx(dy, padding))


@THREADS
def test_pad_of_a_large_image(threads):
    x, padding = array(4, 57, 61, 20), ((0, 0), (3, 2), (1, 4), (0, 0))
    assert_array_equal(
        run(pad, x, pad_width=padding, constant_values=0.5, threads=threads), oracle.pad(x, padding, 0.5)
    )


def test_pad_refuses_what_does_not_fit():
    x = Graph().input(("n", 4))
    assert pad(x, ((0, 0), (1, 1))).shape == ("n", 6)
    for padding in (((0, 0),), ((0, 0), (-1, 0)), ((1, 0), (0, 0))):
        with pytest.raises(ShapeError, match=r"^pad: "):
            pad(x, padding)


CUTS = [
    ((7,), (2,), (5,), (1,)), ((7,), (None,), (None,), (2,)), ((7,), (-3,), (-1,), (1,)), ((7,), (5,), (2,), (1,)),
    ((4, 5, 6), (1, 0, 2), (3, 5, 6), (1, 1, 1)), ((4, 5, 6), (0, 1, 1), (99, None, -1), (1, 2, 3)),
    ((4, 5, 6), (1, None, None), (2, None, None), (1, 1, 1)),
    ((2, 9, 9, 17), (0, 1, 1, 0), (2, 8, 9, 17), (1, 2, 2, 1)),
    ((2, 3, 4, 5), (0, 0, 0, 1), (2, 3, 4, 5), (1, 1, 1, 3)), ((0, 4), (0, 1), (0, 3), (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "starts", "stops", "steps"), CUTS, ids=repr)
def test_slice(shape, starts, stops, steps):
    x = array(*shape)
    got = run(slice_, x, starts=starts, stops=stops, steps=steps)
    assert_array_equal(got, oracle.strided_slice(x, starts, stops, steps), strict=True)


@pytest.mark.parametrize(("shape", "starts", "stops", "steps"), CUTS, ids=repr)
def test_slice_gradient(shape, starts, stops, steps):
    x = array(*shape)
    dy = array(*oracle.strided_slice(x, starts, stops, steps).shape, seed=1)
    (got,) = pulled_back(slice_, dy, x, starts=starts, stops=stops, steps=steps)
    assert_array_equal(got, oracle.strided_slice_dx(dy, x.shape, starts, stops, steps))


def test_slice_of_a_slice_gradient():
    """slice_dx has a gradient too: the slice."""
    cut = {"starts": (1,), "stops": (7,), "steps": (2,)}
    dy, again = array(3), array(8, seed=1)

    def scatter(dy):
        return emit("slice_dx", [dy], x_shape=(8,), **cut)

    assert_array_equal(pulled_back(scatter, again, dy)[0], again[1:7:2])


def test_slice_refuses_what_does_not_fit():
    x = Graph().input(("n", 4))
    assert slice_(x, (0, 1), (None, 3)).shape == ("n", 2)
    for starts, stops, steps in (((0,), (1,), (1,)), ((0, 0), (1, 1), (1, 1)), ((0, 0), (None, 1), (1, 0))):
        with pytest.raises(ShapeError, match=r"^slice: "):
            slice_(x, starts, stops, steps)


# depth to space, broadcast -------------------------------------------------------------------------------------------

DEPTHS = [
    ((1, 1, 1, 4), 2),
    ((2, 3, 5, 12), 2),
    ((1, 2, 3, 9), 3),
    ((2, 3, 2, 68), 2),
    ((0, 2, 2, 4), 2),
    ((1, 2, 2, 3), 1),
]


@pytest.mark.parametrize(("shape", "block"), DEPTHS, ids=repr)
@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space_and_back(shape, block, mode):
    x = array(*shape)
    y = oracle.depth_to_space(x, block, mode=mode)
    assert_array_equal(run(depth_to_space, x, block=block, mode=mode), y)
    assert_array_equal(run(space_to_depth, y, block=block, mode=mode), x)
    dy = array(*y.shape, seed=1)
    dx = oracle.space_to_depth(dy, block, mode=mode)
    assert_array_equal(pulled_back(depth_to_space, dy, x, block=block, mode=mode)[0], dx)
    assert_array_equal(pulled_back(space_to_depth, dx, y, block=block, mode=mode)[0], dy)


def test_depth_to_space_refuses_what_does_not_fit():
    g = Graph()
    assert depth_to_space(g.input(("n", 2, 2, 4)), 2).shape == ("n", 4, 4, 1)
    with pytest.raises(ShapeError, match="multiple of block² = 4 channels, got 6"):
        depth_to_space(g.input((1, 2, 2, 6)), 2)
    with pytest.raises(ShapeError, match="multiples of block = 2"):
        space_to_depth(g.input((1, 3, 2, 6)), 2)
    with pytest.raises(ShapeError, match="DCR or CRD"):
        depth_to_space(g.input((1, 2, 2, 4)), 2, "RDC")


BROADCASTS = [
    ((), (3,)), ((1,), (4, 5)), ((3,), (3,)), ((3,), (2, 4, 3)), ((4, 1), (4, 5)), ((2, 1, 1, 7), (2, 3, 4, 7)),
    ((1, 3, 1), (2, 3, 4)), ((2, 3, 1), (2, 3, 20)), ((1, 1), (1, 1)), ((1, 3), (0, 3)),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "wanted"), BROADCASTS, ids=repr)
def test_broadcast_to(shape, wanted):
    x = array(*shape)
    assert_array_equal(run(broadcast_to, x, shape=wanted), np.broadcast_to(x, wanted))
    dy = array(*wanted, seed=1)
    (got,) = pulled_back(broadcast_to, dy, x, shape=wanted)
    want = central_difference(lambda x: np.broadcast_to(x, wanted), x, dy)
    assert got.shape == x.shape
    assert_allclose(got, want, rtol=1e-5, atol=1e-4)


def test_broadcast_to_refuses_what_does_not_fit():
    g = Graph()
    assert broadcast_to(g.input((1, 3)), ("n", 3)).shape == ("n", 3)
    assert broadcast_to(g.input((8, 3)), ("n", 3)).shape == (8, 3)
    for shape, wanted in (((2,), (3,)), ((2, 3), (3,)), (("n", 3), (4, 3))):
        with pytest.raises(ShapeError, match=r"^broadcast_to: "):
            broadcast_to(g.input(shape), wanted)


MOVED = {
    "transpose": (lambda x: transpose(x, (0, 3, 1, 2)), lambda x: x.transpose(0, 3, 1, 2)),
    "turn back": (lambda x: transpose(x, (0, 2, 3, 1)), lambda x: x.transpose(0, 2, 3, 1)),
    "slice": (lambda x: slice_(x, (0, 1, 0, 2), (None, -1, None, None), (1, 1, 2, 1)), lambda x: x[:, 1:-1, ::2, 2:]),
    "concat": (lambda x: concat([x, x, transpose(x, (0, 2, 1, 3))]),
               lambda x: np.concatenate([x, x, x.transpose(0, 2, 1, 3)], -1)),
    "concat first": (lambda x: concat([x, transpose(x, (0, 2, 1, 3))], 0),
                     lambda x: np.concatenate([x, x.transpose(0, 2, 1, 3)], 0)),
    "broadcast": (lambda x: broadcast_to(x, (4, 2, 7, 7, 17)), lambda x: np.broadcast_to(x, (4, 2, 7, 7, 17))),
    "reshape": (lambda x: reshape(x, (14, -1)), lambda x: x.reshape(14, -1)),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32])
@pytest.mark.parametrize("name", MOVED)
def test_integers_are_moved(dtype, name):
    info = np.iinfo(dtype)
    x = np.random.default_rng(3).integers(info.min, info.max, (2, 7, 7, 17), dtype, endpoint=True)
    ours, theirs = MOVED[name]
    y = run(ours, x)
    assert y.dtype == dtype
    assert_array_equal(y, theirs(x))


def test_what_is_not_moved():
    graph = Graph()
    with pytest.raises(TypeError, match="transpose: expected float32 or int32 or int8 or uint8 or bool, got int64"):
        transpose(graph.input((2, 3), "int64"), (1, 0))
    with pytest.raises(TypeError, match="pad: expected float32, got int8"):
        pad(graph.input((2, 3), "int8"), ((1, 1), (0, 0)))
    with pytest.raises(TypeError, match=r"concat: expected inputs of one dtype, got int8\[2, 3\], uint8\[2, 3\]"):
        concat([graph.input((2, 3), "int8"), graph.input((2, 3), "uint8")])
