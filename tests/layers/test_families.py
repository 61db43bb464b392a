"""Layers that are made of other ops, against NumPy in float64; gradients by central differences of that."""

import numpy as np
import pytest
from layers.run import apply, normal, pull, randomise
from numpy.testing import assert_allclose, assert_array_equal

from edgenet import Input, Model, Sequential, layers, ops
from edgenet.graph import ShapeError
from oracle import resize as resize_oracle
from oracle.difference import central_difference
from tolerance import tolerance

F32 = np.dtype(np.float32)


def check(layer, function, *arrays, k=16, seed=3):
    """Compare layer and gradients with a function of the arrays and the layer's weights."""
    layer.build([a.shape for a in arrays] if len(arrays) > 1 else (None, *arrays[0].shape[1:]))
    weights = randomise(layer, seed)
    wide = [a.astype(np.float64) for a in (*arrays, *weights)]
    y, want = apply(layer, *arrays), function(*wide)
    assert y.shape == want.shape
    assert_allclose(y, want, *tolerance(F32, k))
    dy = normal(seed + 1, *y.shape)
    changed = {id(w) for w in layer.trainable_weights}
    wrt = [*range(len(arrays)), *(len(arrays) + i for i, w in enumerate(layer.weights) if id(w) in changed)]
    found = pull(layer, *arrays, dy=dy)
    assert len(found) == len(wrt)
    for d, i in zip(found, wrt, strict=True):
        slope = central_difference(
            lambda v, i=i: function(*wide[:i], v, *wide[i + 1 :]), wide[i], dy.astype(np.float64)
        )
        assert_allclose(d, slope, *tolerance(F32, 16 * k), err_msg=f"gradient {i}")


def layer_norm(x, gamma, beta, axes, shape, epsilon=1e-3):
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + epsilon) * gamma.reshape(shape) + beta.reshape(shape)


def test_layer_normalization():
    check(layers.LayerNormalization(), lambda x, g, b: layer_norm(x, g, b, 2, (1, 1, 5)), normal(1, 2, 3, 5), k=64)
    check(
        layers.LayerNormalization([1, -1], 1e-5), lambda x, g, b: layer_norm(x, g, b, (1, 3), (1, 3, 1, 4), 1e-5),
        normal(1, 2, 3, 2, 4), k=64,
    )  # fmt: skip


@pytest.mark.parametrize("groups", [1, 2, -1])
def test_group_normalization(groups):
    def function(x, gamma, beta):
        n, h, w, c = x.shape
        g = c if groups == -1 else groups
        apart = x.reshape(n, h, w, g, c // g)
        mean, var = apart.mean((1, 2, 4), keepdims=True), apart.var((1, 2, 4), keepdims=True)
        return ((apart - mean) / np.sqrt(var + 1e-3)).reshape(x.shape) * gamma + beta

    check(layers.GroupNormalization(groups), function, normal(2, 2, 3, 2, 4), k=64)


def test_unit_normalization():
    check(layers.UnitNormalization(), lambda x: x / np.linalg.norm(x, axis=-1, keepdims=True), normal(3, 2, 3, 5))
    assert_array_equal(apply(layers.UnitNormalization(), np.zeros((2, 3), np.float32)), np.zeros((2, 3)))


def test_units():
    check(layers.ELU(0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)), normal(4, 3, 7))
    check(layers.PReLU(), lambda x, a: np.where(x > 0, x, a * x), normal(5, 2, 3, 4))
    layer = layers.PReLU(shared_axes=[1])
    check(layer, lambda x, a: np.where(x > 0, x, a * x), normal(5, 2, 3, 4))
    assert layer.alpha.shape == (1, 4)
    check(layers.Maxout(3, 2), lambda x, w, b: (x @ w + b).reshape(4, 3, 2).max(-1), normal(6, 4, 5))
    check(
        layers.RadialBasis(3), lambda x, c, b: np.exp(-b * ((x[:, None] - c) ** 2).sum(-1)), normal(7, 4, 2), k=64
    )  # fmt: skip
    assert len(layers.RadialBasis(3, train_beta=False)(Input((2,))).source.layer.trainable_weights) == 1


def windows(x, pool, stride, around):
    """Each window of x with its place in the result; what lies outside is NaN."""
    (top, bottom), (left, right) = around
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=np.nan)
    for p in range((x.shape[1] - pool) // stride + 1):
        for q in range((x.shape[2] - pool) // stride + 1):
            yield p, q, x[:, p * stride : p * stride + pool, q * stride : q * stride + pool]


@pytest.mark.parametrize("around", [((0, 0), (0, 0)), ((1, 1), (0, 1))], ids=["valid", "same"])
def test_weighted_pools(around):
    padding = "same" if any(map(any, around)) else "valid"

    def l2(x):
        out = {(p, q): np.sqrt(np.nansum(v**2, (1, 2))) for p, q, v in windows(x, 3, 2, around)}
        return stacked(out)

    def weighted(x, w):
        out = {}
        for p, q, v in windows(x, 3, 2, around):
            inside = ~np.isnan(v)
            out[p, q] = np.nansum(v * w[:, :, None], (1, 2)) / (inside * w[:, :, None]).sum((1, 2))
        return stacked(out)

    x, d = normal(8, 2, 5, 6, 2), np.hypot(*np.mgrid[-1:2, -1:2])
    check(layers.L2Pooling2D(3, 2, padding), l2, x)
    pool = layers.DistanceWeightedAveragePooling2D
    check(pool(3, 2, padding), lambda x: weighted(x, 1 / (1 + d)), x)
    check(pool(3, 2, padding, "gaussian", sigma=0.7), lambda x: weighted(x, np.exp(-(d**2) / (2 * 0.7**2))), x)
    zeros = np.zeros((1, 3, 3, 1), np.float32)
    assert abs(apply(layers.L2Pooling2D(3), zeros)).max() < 1e-14
    assert_array_equal(pull(layers.L2Pooling2D(3), zeros, dy=np.ones((1, 1, 1, 1), np.float32))[0], zeros)


def stacked(out):
    rows = 1 + max(p for p, _ in out)
    columns = 1 + max(q for _, q in out)
    return np.stack([np.stack([out[p, q] for q in range(columns)], 1) for p in range(rows)], 1)


def test_pools_of_sequences():
    x = normal(9, 2, 7, 3)
    check(layers.MaxPooling1D(3), lambda x: x[:, :6].reshape(2, 2, 3, 3).max(2), x)
    check(layers.AveragePooling1D(3), lambda x: x[:, :6].reshape(2, 2, 3, 3).mean(2), x)
    same = lambda x: np.stack([x[:, 0:2].mean(1), x[:, 1:4].mean(1), x[:, 3:6].mean(1), x[:, 5:7].mean(1)], 1)  # noqa: E731
    check(layers.AveragePooling1D(3, 2, "same"), same, x)
    check(layers.GlobalAveragePooling1D(), lambda x: x.mean(1), x)
    check(layers.GlobalMaxPooling1D(keepdims=True), lambda x: x.max(1, keepdims=True), x)


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_sizes_of_images(mode):
    x, how = normal(10, 2, 4, 3, 2), "linear" if mode == "bilinear" else mode
    for layer, h, w in ((layers.UpSampling2D((2, 3), interpolation=mode), 8, 9), (layers.Resizing(6, 5, mode), 6, 5)):
        check(layer, lambda x, h=h, w=w: resize_oracle.resize(resize_oracle.resize(x, h, 1, how), w, 2, how), x)
    check(layers.Cropping2D(((1, 0), (0, 2))), lambda x: x[:, 1:, :1], x)
    with pytest.raises(ShapeError, match=r"layer cut: .*leaves nothing"):
        layers.Cropping2D(2, name="cut")(Input((4, 9, 3)))


def test_shapes():
    check(layers.Permute((3, 1, 2)), lambda x: x.transpose(0, 3, 1, 2), normal(11, 2, 3, 4, 5))
    check(layers.RepeatVector(3), lambda x: np.repeat(x[:, None], 3, 1), normal(11, 2, 4))
    with pytest.raises(ValueError, match="dims must be 1 to 2"):
        layers.Permute((1, 3))


def test_dot():
    a, b = normal(12, 2, 3, 4), normal(13, 2, 5, 4)
    check(layers.Dot(-1), lambda a, b: np.einsum("nik,njk->nij", a, b), a, b)
    check(layers.Dot((2, 1)), lambda a, b: np.einsum("nik,nkj->nij", a, b), a, normal(13, 2, 4, 5))
    check(layers.Dot(1), lambda a, b: (a * b).sum(1, keepdims=True), a[:, 0], b[:, 0])

    def cosine(a, b):
        return (
            (a * b).sum(1, keepdims=True)
            / np.linalg.norm(a, axis=1, keepdims=True)
            / np.linalg.norm(b, axis=1, keepdims=True)
        )

    check(layers.Dot(1, normalize=True), cosine, a[:, 0], b[:, 0])
    with pytest.raises(ShapeError, match="differ in size"):
        layers.Dot(1)([Input((3,)), Input((4,))])


def test_numbers_made_ready():
    check(layers.Rescaling(0.5, [1, 2, 3]), lambda x: x * 0.5 + [1, 2, 3], normal(14, 2, 3))
    data = 3 + 5 * normal(15, 40, 3, 4).astype(np.float64)
    for axis, over in ((-1, (0, 1)), ((1, 2), 0), (None, (0, 1, 2))):
        layer = layers.Normalization(axis)
        layer.adapt([data[:7], data[7:]])
        mean, var = data.mean(over), data.var(over)
        x = data.astype(np.float32)
        assert_allclose(apply(layer, x), (data - mean) / np.sqrt(var), rtol=1e-5, atol=1e-5)
        inverted = layers.Normalization(axis, mean, var, invert=True)
        assert_allclose(apply(inverted, x), data * np.sqrt(var) + mean, rtol=1e-5, atol=1e-5)
    assert layer.trainable_weights == []
    with pytest.raises(ValueError, match="adapt needs data"):
        layers.Normalization().adapt([])


def test_embedding():
    layer = layers.Embedding(6, 3)
    x = np.array([[0, 5, 5], [2, 0, 1]], np.int32)
    layer.build(x.shape)
    (table,) = randomise(layer, 16)
    assert_array_equal(apply(layer, x), table[x])
    assert_array_equal(apply(layer, x.astype(np.float32)), table[x])
    (found,) = pull_weights(layer, x, dy=normal(17, 2, 3, 3))
    want = np.zeros((6, 3))
    np.add.at(want, x, normal(17, 2, 3, 3))
    assert_allclose(found, want, *tolerance(F32, 3))
    model = Sequential([layers.Embedding(10, 4, input_length=5), layers.Flatten(), layers.Dense(1)])
    assert model.output_shape == (None, 1)
    model.compile("adam", "mse")
    history = model.fit(np.arange(40).reshape(8, 5) % 10, np.arange(8.0), epochs=30, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def pull_weights(layer, x, dy):
    from edgenet.compile import compile_graph
    from edgenet.graph import Graph, gradients

    graph = Graph()
    value, weights = graph.input(x.shape, str(x.dtype)), graph.input(dy.shape)
    found = gradients(ops.sum(layer(value) * weights), [graph.variable(w) for w in layer.trainable_weights])
    graph.outputs = found
    return compile_graph(graph).run(x, dy)


def double(x, by=2.0):
    return x * by


def test_lambda():
    check(layers.Lambda(double, arguments={"by": 3.0}), lambda x: 3 * x, normal(18, 2, 3))
    check(
        layers.Lambda(lambda xs: ops.exp(xs[0]) * xs[1]), lambda a, b: np.exp(a) * b, normal(1, 2, 3), normal(2, 2, 3)
    )
    config = layers.serialize(layers.Lambda(double))
    again = layers.deserialize(config, {"double": double})
    assert_array_equal(apply(again, np.ones((1, 2), np.float32)), [[2, 2]])
    with pytest.raises(ValueError, match="unknown activation 'double'"):
        layers.deserialize(config)


def test_shared_layers_and_models_as_layers():
    shared, start = layers.Dense(3, "tanh"), Input((3,))
    block = Model(start, shared(layers.Activation("relu")(start)))
    a, b = Input((3,)), Input((3,))
    model = Model([a, b], layers.Subtract()([shared(block(a)), shared(b)]))
    assert model.count_params() == 12
    w, c = randomise(model, 19)
    x = [normal(20, 4, 3), normal(21, 4, 3)]

    def dense(v):
        return np.tanh(v.astype(np.float64) @ w + c)

    want = dense(dense(np.maximum(x[0], 0))) - dense(x[1])
    assert_allclose(model.predict(x, verbose=0), want, *tolerance(F32, 16))
    model.compile("sgd", "mse")
    before = shared.get_weights()[0]
    model.fit(x, want + 1, epochs=1, verbose=0)
    assert_array_equal(shared.get_weights()[0], model.get_weights()[0])
    assert (before != shared.get_weights()[0]).any()
