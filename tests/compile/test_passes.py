"""Each pass keeps the outputs, and does what it is for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from edgenet.compile import compile_graph
from edgenet.compile.passes import (
    before_pool_dx,
    fold_affine,
    fold_pad,
    fuse_epilogue,
    fuse_mask,
    fuse_sum,
    optimize,
    recompute,
)
from edgenet.graph import Graph, Variable, emit, gradients
from edgenet.ops import assign, batch_norm_train, conv2d, dense, max_pool

RNG = np.random.default_rng(3)


def weight(graph, *shape, positive=False):
    array = RNG.standard_normal(shape).astype(np.float32)
    return graph.variable(Variable(np.abs(array) + 0.5 if positive else array, "w"))


def conv(graph, x, co=8, bias=True, groups=1):
    w = weight(graph, 3, 3, x.shape[3] // groups, co)
    return conv2d(x, w, weight(graph, co) if bias else None, padding=((1, 1), (1, 1)), groups=groups)


def norm(graph, x):
    c = x.shape[-1]
    stats = [weight(graph, c), weight(graph, c), weight(graph, c), weight(graph, c, positive=True)]
    return emit("batch_norm", [x, *stats], epsilon=1e-3)


def conv_norm(graph, x):
    return norm(graph, conv(graph, x))


def conv_norm_without_bias(graph, x):
    return norm(graph, conv(graph, x, bias=False))


def depthwise_norm(graph, x):
    return norm(graph, conv(graph, x, co=4, groups=4))


def conv_mul_add(graph, x):
    return conv(graph, x) * weight(graph, 1, 1, 1, 8) + weight(graph, 8)


def conv_scalar_div_sub(graph, x):
    return conv(graph, x) / np.float32(3) - np.float32(2)


def dense_add(graph, x):
    flat = emit("reshape", [x], shape=(2, 100))
    return dense(flat, weight(graph, 100, 7)) + weight(graph, 7)


def dense_transposed_norm(graph, x):
    flat = emit("reshape", [x], shape=(2, 100))
    return norm(graph, dense(flat, weight(graph, 7, 100), transpose_w=True))


def dense_add_of_what_is_computed_later(graph, x):
    y = dense(emit("reshape", [x], shape=(2, 100)), weight(graph, 100, 7))
    return y * (weight(graph, 7) * np.float32(2)) + weight(graph, 7) * np.float32(3)


FOLDED = [
    dense_add_of_what_is_computed_later,
    conv_norm,
    conv_norm_without_bias,
    depthwise_norm,
    conv_mul_add,
    conv_scalar_div_sub,
    dense_add,
    dense_transposed_norm,
]


def build(function, passes=()):
    global RNG
    RNG = np.random.default_rng(3)
    graph = Graph(function.__name__)
    x = graph.input((2, 5, 5, 4), name="x")
    y = function(graph, x)
    graph.outputs = list(y) if isinstance(y, list) else [y]
    for p in passes:
        p(graph)
    return graph


def results(graph):
    x = np.random.default_rng(4).standard_normal((2, 5, 5, 4)).astype(np.float32)
    return compile_graph(graph, passes=False).run(x)


@pytest.mark.parametrize("inner", [((0, 0), (0, 0)), ((1, 0), (2, 1))])
def test_zeros_fold_into_the_convolution_behind(inner):
    def padded(graph, x):
        x = emit("pad", [x], padding=((0, 0), (1, 2), (0, 1), (0, 0)), value=0.0)
        return emit("conv2d", [x, weight(graph, 3, 2, 4, 8), None, None], strides=(1, 2), padding=inner,
                    dilation=(1, 1), groups=1, activation=None)  # fmt: skip

    folded = build(padded, [fold_pad])
    assert_allclose(results(folded)[0], results(build(padded))[0], rtol=1e-6)
    folded.prune()
    assert [n.op for n in folded.nodes] == ["conv2d"]


@pytest.mark.parametrize("change", [{"value": 1.0}, {"padding": ((0, 0), (1, 1), (0, 0), (2, 2))}])
def test_other_padding_stays(change):
    def padded(graph, x):
        x = emit("pad", [x], **{"padding": ((0, 0), (1, 1), (1, 1), (0, 0)), "value": 0.0, **change})
        return conv2d(x, weight(graph, 3, 3, x.shape[3], 8))

    graph = build(padded, [fold_pad])
    assert [n.op for n in graph.nodes] == ["pad", "conv2d"]


@pytest.mark.parametrize("function", FOLDED, ids=lambda f: f.__name__)
def test_affine_folds_into_the_layer_before(function):
    want, folded = results(build(function)), build(function, [fold_affine])
    assert_allclose(results(folded)[0], want[0], rtol=1e-4, atol=1e-4)
    program = compile_graph(folded, passes=False)
    assert {s.node.op for s in program.steps} <= {"conv2d", "dense"}


def shared(graph, x):
    y = conv(graph, x)
    return [norm(graph, y), y]


def variable_scale(graph, x):
    return conv(graph, x, co=4) * x


def spatial_scale(graph, x):
    return conv(graph, x) * weight(graph, 5, 1, 1)


def divided_by(graph, x):
    return np.float32(1) / (conv(graph, x) * conv(graph, x) + np.float32(1))


def activation_between(graph, x):
    return emit("relu", [conv(graph, x)]) * weight(graph, 8)


@pytest.mark.parametrize(
    "function", [shared, variable_scale, spatial_scale, divided_by, activation_between], ids=lambda f: f.__name__
)
def test_what_must_not_fold_stays_right(function):
    for got, want in zip(results(build(function, [optimize])), results(build(function)), strict=True):
        assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def conv_relu(graph, x):
    return emit("relu", [conv(graph, x)])


def conv_clip(graph, x):
    return emit("clip", [conv(graph, x)], low=-1.0, high=6.0)


def dense_leaky(graph, x):
    return emit("leaky_relu", [dense_add(graph, x)], alpha=0.3)


def residual(graph, x):
    a = emit("relu", [conv(graph, x)])
    return emit("relu", [conv(graph, a) + a])


def residual_of_two_convolutions(graph, x):
    a = conv(graph, x)
    return emit("relu", [conv(graph, emit("relu", [conv(graph, x)])) + a])


def residual_of_itself(graph, x):
    a = conv(graph, x)
    return a + a


def depthwise_residual(graph, x):
    return emit("relu", [conv(graph, x, co=4, groups=4) + x])


def shortcut(graph, x):
    a = emit("relu", [conv(graph, x)])
    left = conv2d(a, weight(graph, 3, 3, 8, 6), strides=(2, 2), padding=((1, 1), (1, 1)))
    return left + conv2d(a, weight(graph, 1, 1, 8, 6), strides=(2, 2))


def three_readers(graph, x):
    a = conv(graph, x)
    return conv(graph, a) + conv(graph, a) + conv(graph, emit("sigmoid", [a]))


def train_norm(graph, x):
    return batch_norm_train(x, weight(graph, x.shape[-1]), weight(graph, x.shape[-1]))[0]


def norm_relu(graph, x):
    return emit("relu", [train_norm(graph, conv(graph, emit("relu", [train_norm(graph, conv(graph, x))])))])


def norm_clip(graph, x):
    return emit("clip", [train_norm(graph, conv(graph, x))], low=-0.3, high=0.6)


def norm_leaky(graph, x):
    return emit("leaky_relu", [train_norm(graph, conv(graph, x))], alpha=0.3)


def norm_residual(graph, x):
    a = emit("relu", [train_norm(graph, conv(graph, x))])
    return emit("relu", [train_norm(graph, conv(graph, a)) + a])


def norm_before_what_it_adds(graph, x):
    return train_norm(graph, conv(graph, x)) + conv(graph, emit("relu", [x]))


NORMED = [norm_relu, norm_clip, norm_leaky, norm_residual, norm_before_what_it_adds]
EPILOGUES = [
    conv_relu,
    conv_clip,
    dense_leaky,
    residual,
    residual_of_two_convolutions,
    residual_of_itself,
    depthwise_residual,
]
SUMS = [shortcut, three_readers]


@pytest.mark.parametrize("function", EPILOGUES, ids=lambda f: f.__name__)
def test_epilogues_fuse(function):
    want, fused = results(build(function)), build(function, [optimize])
    assert_allclose(results(fused)[0], want[0], rtol=1e-4, atol=1e-4)
    left = {n.op for n in fused.nodes}
    assert left & {"relu", "clip", "leaky_relu"} == set()
    if function is not residual_of_itself:
        assert not any(s.node.op == "add" for s in compile_graph(fused, passes=False).steps)


def norm_twice_read(graph, x):
    y = emit("relu", [train_norm(graph, conv(graph, x))])
    return conv(graph, y) + conv(graph, emit("relu", [train_norm(graph, conv(graph, y, groups=4))]))


def norm_depthwise(graph, x):
    """The weights of depthwise layers are views: so are their gradients."""
    y = emit("relu", [train_norm(graph, conv(graph, x, co=4))])
    w = emit("reshape", [weight(graph, 3, 3, 4, 1)], shape=(3, 3, 1, 4))
    y = emit("relu", [train_norm(graph, conv2d(y, w, padding=((1, 1), (1, 1)), groups=4))])
    return conv2d(y, weight(graph, 1, 1, 4, 8))


def norm_alone(graph, x):
    return conv(graph, train_norm(graph, conv(graph, x)))


def relu_pool(graph, x):
    return max_pool(conv_relu(graph, x), (2, 2))


def clip_overlapping_pool(graph, x):
    return max_pool(conv_clip(graph, x), (3, 3), (2, 2), ((1, 1), (0, 1)))


def pool_relu(graph, x):
    return emit("relu", [max_pool(conv(graph, x), (2, 2))])


def norm_relu_pool(graph, x):
    return max_pool(emit("relu", [train_norm(graph, conv(graph, x))]), (2, 2))


def relu_pool_and_relu(graph, x):
    y = conv_relu(graph, x)
    return max_pool(y, (3, 3), (1, 1), ((1, 1), (1, 1))) + y


#: function: masks before max_pool_dx, and behind it
POOLED = {
    relu_pool: (1, 0),
    clip_overlapping_pool: (1, 0),
    pool_relu: (1, 0),
    norm_relu_pool: (0, 0),
    relu_pool_and_relu: (0, 1),
}
RECOMPUTED = {norm_relu: 1, norm_residual: 1, norm_twice_read: 2, norm_depthwise: 2, norm_alone: 1}


def trained(function, passes):
    """The program that computes the gradients of all weights, and what it gives."""
    graph = build(function)
    graph.training = True
    y = graph.outputs[0]
    loss = emit("mean", [y * y], axes=tuple(range(y.spec.rank)), keepdims=False)
    weights = [graph.variable(v) for v in graph.variables]
    graph.outputs = [loss, *(g for g in gradients(loss, weights) if g is not None)]
    for p in passes:
        p(graph)
    x = np.random.default_rng(4).standard_normal((2, 5, 5, 4)).astype(np.float32)
    program = compile_graph(graph, training=True, passes=False)
    return program, program.run(x)


@pytest.mark.parametrize(
    "function", [*EPILOGUES, *SUMS, *dict.fromkeys([*NORMED, *RECOMPUTED]), *POOLED], ids=lambda f: f.__name__
)
def test_fusing_keeps_gradients(function):
    passes = [fuse_epilogue, fuse_sum, fuse_mask, before_pool_dx, recompute]
    (_, got), (_, want) = (trained(function, p) for p in (passes, []))
    for g, w in zip(got, want, strict=True):
        assert_allclose(g, w, rtol=1e-3, atol=1e-4)


def test_a_shortcut_adds_its_gradient_to_that_of_the_branch():
    program, _ = trained(shortcut, [fuse_epilogue, fuse_sum])
    found = [n for n in program.graph.nodes if n.op == "conv2d_dx"]
    assert [len(n.inputs) for n in found] == [2, 3]
    assert found[1].inputs[1].shape == (1, 1, 8, 6)  # the first one in the graph of before
    assert program._places.root(found[1].output)[0] is found[0].output
    steps = [s for s in program.steps if s.node is found[1] and s.call.kernel.name.startswith("gemm.gemm")]
    assert len(steps) == 1  # three of four pixels of x are not touched


@pytest.mark.parametrize(
    ("function", "left"),
    [(norm_relu, set()), (norm_clip, set()), (norm_leaky, {"leaky_relu", "leaky_relu_dx"}),
     (norm_residual, {"relu_dx"}), (norm_before_what_it_adds, {"relu"})],
    ids=lambda f: getattr(f, "__name__", ""),
)  # fmt: skip
def test_batch_norm_takes_activations_and_their_masks(function, left):
    graph = build(function)
    graph.training = True
    loss = emit("mean", [graph.outputs[0]], axes=(0, 1, 2, 3), keepdims=False)
    graph.outputs = [loss, *gradients(loss, [graph.variable(v) for v in graph.variables])]
    optimize(graph)
    elementwise = {"relu", "clip", "leaky_relu", "add", "relu_dx", "clip_dx", "leaky_relu_dx"}
    assert {n.op for n in graph.nodes} & elementwise == left


@pytest.mark.parametrize(("function", "count"), RECOMPUTED.items(), ids=lambda f: getattr(f, "__name__", ""))
def test_what_a_normalisation_gave_is_not_kept_for_the_gradients(function, count):
    graph = build(function)
    graph.training = True
    loss = emit("mean", [graph.outputs[0]], axes=(0, 1, 2, 3), keepdims=False)
    graph.outputs = [loss, *gradients(loss, [graph.variable(v) for v in graph.variables])]
    optimize(graph)
    first = next(i for i, n in enumerate(graph.nodes) if n.op.endswith("_dx"))
    norms = {id(n.output): n for n in graph.nodes if n.op == "batch_norm_train"}
    kept = [norms[id(v)] for n in graph.nodes[first:] for v in n.inputs if id(v) in norms]
    assert all(n.inputs[3] is not None for n in kept)
    assert sum(n.attrs["again"] for n in graph.nodes if n.op == "batch_norm_train_dx") == count


@pytest.mark.parametrize(("function", "counts"), POOLED.items(), ids=lambda f: getattr(f, "__name__", ""))
def test_masks_and_sums_stand_before_the_gradient_of_a_maximum(function, counts):
    program, _ = trained(function, [fuse_epilogue, fuse_sum, fuse_mask, before_pool_dx])
    graph = program.graph
    place = next(i for i, n in enumerate(graph.nodes) if n.op == "max_pool_dx")
    masks = [i for i, n in enumerate(graph.nodes) if n.op in ("relu_dx", "clip_dx")]
    assert (sum(i < place for i in masks), sum(i > place for i in masks)) == counts
    sums = [n.inputs[0] for n in graph.users(graph.nodes[place].output) if n.op == "sum"]
    assert not sums


def test_no_layer_moves_behind_an_update_of_its_weights():
    def build_it():
        graph = Graph("update")
        graph.training = True
        x = graph.input((1, 2))
        w = graph.variable(Variable(np.ones((2, 2), np.float32), "w"))
        y = dense(x, w)
        assign(w, w * np.float32(10))
        graph.outputs = [y + x]
        return graph

    one = np.ones((1, 2), np.float32)
    for passes in (True, False):
        assert_allclose(compile_graph(build_it(), training=True, passes=passes).run(one)[0], 3)


def test_division_by_zero_stays_infinite():
    graph = Graph("zero")
    x = graph.input((1, 2))
    zeros = graph.variable(Variable(np.zeros(2, np.float32), "zeros"))
    graph.outputs = [dense(x, np.zeros((2, 2), np.float32), np.ones(2, np.float32)) / zeros]
    with np.errstate(all="ignore"):
        assert np.isposinf(compile_graph(graph).run(np.ones((1, 2)))[0]).all()
