"""Batches that are run in groups of images: the same results, and only for graphs that can be taken apart."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from edgenet.compile import compile_graph, groups
from edgenet.compile.grouped import Grouped
from edgenet.graph import Graph, ShapeError, Variable, emit
from edgenet.kernels.parallel import num_threads
from edgenet.ops import avg_pool, batch_norm, concat, conv2d, dense, max_pool, transpose

BATCH = 12


def weight(graph, *shape):
    return graph.variable(Variable(np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32), "w"))


def stem(graph, batch=BATCH):
    """Images of an input with channels first, 8 × 8 × 4."""
    return transpose(graph.input((batch, 4, 8, 8), name="x"), (0, 2, 3, 1))


def convolutions(graph):
    x = stem(graph)
    a = emit("relu", [conv2d(x, weight(graph, 3, 3, 4, 8), weight(graph, 8), padding=((1, 1), (1, 1)))])
    b = conv2d(a, weight(graph, 1, 1, 8, 8)) + a
    c = conv2d(b, weight(graph, 3, 3, 1, 8), groups=8, padding=((1, 1), (1, 1)))
    return [concat([b, c], 3)]


def pools_and_dense(graph):
    x = concat([max_pool(stem(graph), (2, 2)), avg_pool(stem(graph), (2, 2))], 3)
    y = emit("reshape", [x], shape=(BATCH, 128))
    y = dense(y, weight(graph, 128, 6), weight(graph, 6))
    return [emit("softmax", [y], axis=-1), emit("mean", [x], axes=(1, 2), keepdims=False)]


def arithmetic(graph):
    x = stem(graph)
    y = emit("sigmoid", [x]) * x + np.arange(4, dtype=np.float32)
    y = batch_norm(y, *(weight(graph, 4) for _ in range(3)), np.ones(4, np.float32))
    y = emit("resize", [y], axis=1, size=8, mode="nearest")
    return [y - emit("max", [y], axes=(1, 2), keepdims=True), emit("minimum", [y, np.ones((1, 8, 8, 4), np.float32)])]


def two_inputs(graph):
    other = graph.input((BATCH, 8, 8, 4), name="other")
    return [stem(graph) * other]


def over_all_images(graph):
    x = stem(graph)
    return [x - emit("mean", [x], axes=(0,), keepdims=True)]


def softmax_of_images(graph):
    return [emit("softmax", [emit("reshape", [stem(graph)], shape=(BATCH, 256))], axis=0)]


def one_bias_an_image(graph):
    return [stem(graph) + np.arange(BATCH, dtype=np.float32).reshape(BATCH, 1, 1, 1)]


def images_along_another_axis(graph):
    x = stem(graph, 8)
    return [x + emit("reshape", [emit("mean", [x], axes=(1, 2, 3), keepdims=False)], shape=(8, 1))]


def product_of_images(graph):
    x = emit("reshape", [stem(graph)], shape=(BATCH, 256))
    return [dense(x, x, transpose_w=True)]


def moved_rows(graph):
    return [emit("reshape", [stem(graph)], shape=(2 * BATCH, 128))]


def turned(graph):
    return [emit("transpose", [graph.input((BATCH, BATCH))], perm=(1, 0))]


def summed_to_as_many_rows(graph):
    return [emit("sum", [graph.input((BATCH, BATCH, 5))], axes=(0,), keepdims=False)]


def unequal_inputs(graph):
    return [stem(graph), emit("relu", [graph.input((3, 2))])]


def a_sum_besides(graph):
    x = stem(graph)
    return [x * np.float32(2), emit("sum", [x], axes=(0, 1, 2, 3), keepdims=False)]


def a_constant_besides(graph):
    return [stem(graph) * np.float32(2), emit("relu", [weight(graph, BATCH, 3)])]


APART = [convolutions, pools_and_dense, arithmetic, two_inputs]
WHOLE = [
    over_all_images, softmax_of_images, one_bias_an_image, images_along_another_axis, product_of_images, moved_rows,
    turned, summed_to_as_many_rows, unequal_inputs, a_sum_besides, a_constant_besides,
]  # fmt: skip


@pytest.fixture
def size(monkeypatch):
    """Sets the number of images of a group, wherever a graph can be taken apart."""

    def set_it(images):
        monkeypatch.setattr(groups, "_size_of_group", lambda graph, values, count: images or count)

    return set_it


def compiled(function):
    graph = Graph(function.__name__)
    graph.outputs = function(graph)
    return compile_graph(graph)


def arrays(program):
    rng = np.random.default_rng(7)
    return [rng.standard_normal(x.shape).astype(np.float32) for x in program.inputs]


@pytest.mark.parametrize("images", [1, 3, 4])
@pytest.mark.parametrize("function", APART, ids=lambda f: f.__name__)
def test_groups_give_what_the_batch_gives(function, images, size):
    size(None)
    whole = compiled(function)
    size(images)
    apart = compiled(function)
    assert apart.groups == BATCH // images
    assert [x.shape for x in apart.inputs + apart.outputs] == [x.shape for x in whole.inputs + whole.outputs]
    xs = arrays(whole)
    for got, want in zip(apart.run(*xs), whole.run(*xs), strict=True):
        assert_allclose(got, want, rtol=1e-5, atol=1e-5)  # a single row of a dense layer is summed in another order
    for home, x in zip(apart.inputs, xs, strict=True):
        home[...] = x
    apart.execute()
    for got, want in zip(apart.outputs, whole.run(*xs), strict=True):
        assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("function", WHOLE, ids=lambda f: f.__name__)
def test_what_looks_at_several_images_stays_whole(function, size):
    size(1)
    assert compiled(function).groups == 1


def test_threads_change_no_bit(size):
    size(2)
    program = compiled(convolutions)
    xs = arrays(program)
    results = []
    for threads in (1, 2, 3):
        with num_threads(threads):
            results.append(program.run(*xs)[0])
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])


def test_inputs_are_checked_and_converted_as_ever(size):
    size(4)
    program = compiled(convolutions)
    assert isinstance(program, Grouped)
    (x,) = arrays(program)
    (want,) = program.run(x)
    assert_array_equal(program.run(x.astype(np.float64))[0], want)
    assert_array_equal(program.run(np.asfortranarray(x))[0], want)
    unaligned = np.frombuffer(b"." + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
    assert_array_equal(program.run(unaligned)[0], want)
    readonly = x.copy()
    readonly.flags.writeable = False
    assert_array_equal(program.run(readonly)[0], want)
    with pytest.raises(ShapeError, match=r"\(12, 4, 8, 8\), got \(3, 4, 8, 8\)"):
        program.run(x[:3])
    assert program.repeat({"other": x}, program.slots(["x"])) is None
    assert program.repeat({"x": x[:4]}, program.slots(["x"])) is None
    assert_array_equal(program.repeat({"x": x}, program.slots(["x"]))[0], want)


def test_a_weight_that_moves_is_found_again(size):
    size(3)
    graph = Graph("moved")
    w = weight(graph, 1, 1, 4, 4)
    graph.outputs = [conv2d(stem(graph), w)]
    program = compile_graph(graph)
    (x,) = arrays(program)
    home, (before,) = program.outputs[0], program.run(x)
    w.variable.array = 2 * w.variable.array
    w.variable.assign(w.variable.array)
    assert_allclose(program.run(x)[0], 2 * before, rtol=1e-6)
    assert program.outputs[0] is home


def test_no_image_is_copied_but_those_of_the_last_group(size):
    size(3)
    program = compiled(convolutions)
    (x,), (home,) = arrays(program), program._views[0]
    program.run(x)
    before = home.copy()
    x[:9] += 1
    program.run(x)
    assert_array_equal(home, before)


def test_channels_last_images_may_have_a_border(size):
    def images(graph):
        x = graph.input((BATCH, 8, 8, 4))
        y = conv2d(x, weight(graph, 3, 3, 4, 8), padding=((1, 1), (1, 1)))
        return [conv2d(y, weight(graph, 3, 3, 8, 8), padding=((1, 1), (1, 1)))]

    size(None)
    whole = compiled(images)
    size(3)
    apart, (x,) = compiled(images), arrays(whole)
    assert not apart.graph.inputs[0].dense
    assert_array_equal(apart.run(x)[0], whole.run(x)[0])


def test_a_profile_is_that_of_one_group(size):
    size(4)
    program = compiled(convolutions)
    rows = program.profile(2, arrays(program))
    assert [s for s, _ in rows] == program.steps


def chain(batch, side, channels, kernel=1, width=0):
    """Two convolutions of images of this side, and a dense layer of this width."""
    graph = Graph("chain")
    y = graph.input((batch, side, side, channels))
    for _ in range(4):
        y = conv2d(y, weight(graph, kernel, kernel, channels, channels))
    if width:
        y = emit("mean", [y], axes=(1, 2), keepdims=False)
        y = dense(dense(y, weight(graph, channels, width)), weight(graph, width, channels))
    graph.outputs = [y]
    return compile_graph(graph).groups


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((32, 16, 4), 1),  # 32 · 8 KB: everything stays in the cache as it is
        ((32, 64, 8), 8),  # 256 KB an image: four of them
        ((31, 64, 8), 31),  # a prime
        ((32, 256, 8), 32),  # 4 MB an image
        ((32, 512, 8), 1),  # 16 MB an image: out of every cache anyway
        ((32, 66, 64, 3), 1),  # computes much for each number
        ((32, 64, 8, 1, 60_000), 4),  # 3.8 MB of weights, 0.9 MB of results of an image: groups of eight
        ((32, 64, 8, 1, 400_000), 1),  # 26 MB of weights
    ],
)
def test_how_many_groups(arguments, wanted, monkeypatch):
    monkeypatch.setattr(groups, "l2_bytes", lambda: 1 << 20)
    assert chain(*arguments) == wanted
