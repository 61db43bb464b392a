"""Configs of layers: through JSON and back."""

import json

import numpy as np
import pytest

from edgenet import Input, Model, activations, initializers, layers, regularizers
from edgenet.graph import Graph, Variable, emit


def piece():
    """Nodes with a weight, a constant, and numbers that JSON does not know."""
    graph = Graph()
    x = graph.input(("n", 4))
    w = graph.variable(Variable(np.ones((4, 3), np.float32), "kernel"))
    y = emit("dense", [x, w, None, None], transpose_x=False, transpose_w=False, activation=None)
    y = emit("clip", [y * np.arange(3, dtype=np.float32)], low=0.0, high=float("inf"))
    return layers.GraphLayer.of(graph.nodes, [x], [emit("reshape", [y], shape=("n", 1, 3))])


EVERY = [
    layers.Dense(3, "relu", kernel_initializer=initializers.HeNormal(seed=4), kernel_regularizer=regularizers.L2(0.5)),
    layers.Conv2D(6, (3, 5), 2, "same", dilation_rate=(1, 1), groups=2, use_bias=False, bias_regularizer="l1"),
    layers.DepthwiseConv2D(3, depth_multiplier=2, depthwise_initializer="he_uniform", activation="relu6"),
    layers.SeparableConv2D(4, 3, depthwise_regularizer=regularizers.L1L2(0.1, 0.2), trainable=False),
    layers.MaxPooling2D(3, 2, "same"),
    layers.AveragePooling2D((2, 3)),
    layers.GlobalAveragePooling2D(keepdims=True),
    layers.GlobalMaxPooling2D(),
    layers.Flatten(),
    layers.Reshape((4, -1)),
    layers.ZeroPadding2D(((0, 1), (2, 3))),
    layers.Activation("tanh"),
    layers.ReLU(6, negative_slope=0.5, threshold=1),
    layers.LeakyReLU(alpha=0.25),
    layers.Softmax(axis=1),
    layers.Softmax(axis=(1, 2)),
    layers.Dense(2, activity_regularizer="l2"),
    layers.Dropout(0.25, noise_shape=(None, 1), seed=7),
    layers.SpatialDropout2D(0.25, seed=7),
    layers.BatchNormalization(axis=1, momentum=0.5, epsilon=1e-5, center=False, gamma_initializer="zeros"),
    layers.Add(),
    layers.Subtract(),
    layers.Multiply(),
    layers.Average(),
    layers.Maximum(),
    layers.Minimum(),
    layers.Concatenate(axis=2),
    layers.Dot(axes=(1, 2), normalize=True),
    layers.Conv1D(6, 3, 2, "causal", groups=2, use_bias=False),
    layers.Conv2DTranspose(6, (3, 5), (2, 3), "same", output_padding=(1, 0), activation="gelu"),
    layers.MaxPooling1D(3, 2, "same"),
    layers.AveragePooling1D(),
    layers.GlobalAveragePooling1D(keepdims=True),
    layers.GlobalMaxPooling1D(),
    layers.L2Pooling2D(3, 2, "same"),
    layers.DistanceWeightedAveragePooling2D(3, weighting="gaussian", sigma=2.0),
    layers.UpSampling2D((2, 3), interpolation="bilinear"),
    layers.Resizing(5, 6, "nearest"),
    layers.Cropping2D(((1, 0), (2, 3))),
    layers.Permute((2, 1)),
    layers.RepeatVector(4),
    layers.Embedding(10, 3, embeddings_initializer="zeros"),
    layers.LayerNormalization(axis=[1, 2], epsilon=1e-5, scale=False),
    layers.GroupNormalization(4, center=False),
    layers.UnitNormalization(axis=(1, 2)),
    layers.Normalization(axis=None, mean=1.5, variance=4.0, invert=True),
    layers.Rescaling([0.5, 1.0], offset=-1),
    layers.Lambda(activations.gelu, arguments={"approximate": True}),
    layers.ELU(0.5),
    layers.Operation("get_item", (slice(None), ..., 0)),
    layers.PReLU(alpha_initializer="ones", shared_axes=[1, 2]),
    layers.Maxout(3, pieces=4, use_bias=False),
    layers.RadialBasis(3, beta=0.5, train_beta=False),
    layers.GaussianNoise(0.5, seed=3),
    layers.SpatialDropout1D(0.25, seed=7),
    layers.RandomFlip("vertical", seed=3),
    layers.RandomTranslation(0.1, (-0.2, 0.3), "wrap", "nearest", 4, 1.0),
    layers.RandomRotation((-0.1, 0.2)),
    layers.RandomZoom(0.1, 0.2),
    layers.RandomContrast((0.1, 0.2), value_range=(0, 1)),
    layers.InputLayer((4, 5), dtype="int32"),
    piece(),
]


@pytest.mark.parametrize("layer", EVERY, ids=lambda layer: type(layer).__name__)
def test_round_trip(layer):
    config = layers.serialize(layer)
    again = layers.deserialize(json.loads(json.dumps(config, allow_nan=False)))
    assert type(again) is type(layer)
    assert layers.serialize(again) == config
    assert config["config"]["name"] == layer.name


def test_every_layer_is_among_them():
    public = {c for c in vars(layers).values() if isinstance(c, type) and issubclass(c, layers.Layer)}
    assert public - {layers.Layer} == {type(layer) for layer in EVERY}


def test_what_comes_back_works_alike():
    first = layers.Conv2D(6, 3, 2, "same", kernel_initializer=initializers.HeNormal(seed=4), activation="relu")
    second = layers.deserialize(layers.serialize(first))
    for layer in (first, second):
        assert layer(Input((9, 9, 2))).shape == (None, 5, 5, 6)
    assert (first.get_weights()[0] == second.get_weights()[0]).all()
    assert second.activation is activations.relu


def test_a_piece_of_a_graph_works_alike():
    first = piece()
    second = layers.deserialize(json.loads(json.dumps(layers.serialize(first))))
    second.set_weights(first.get_weights())
    x = Input((4,))
    data = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    want = np.maximum(data.sum(1, keepdims=True) * np.arange(3), 0)[:, None]
    for layer in (first, second):
        np.testing.assert_allclose(Model(x, layer(x)).predict(data, verbose=0), want, rtol=1e-5, atol=1e-6)


def test_layers_of_one_s_own():
    class Shift(layers.Layer):
        def __init__(self, by, **kwargs):
            super().__init__(**kwargs)
            self.by = by

        def call(self, x):
            return x + self.by

    config = layers.serialize(Shift(2.0, name="up"))
    assert config == {"class_name": "Shift", "config": {"name": "up", "trainable": True, "by": 2.0}}
    with pytest.raises(ValueError, match=r"unknown layer class 'Shift': pass custom_objects=\{'Shift': class\}"):
        layers.deserialize(config)
    assert layers.deserialize(config, {"Shift": Shift}).by == 2.0
    with pytest.raises(ValueError, match="unknown layer class"):
        layers.deserialize(config)
    layers.register_layer(Shift, name="tests>Shift")
    renamed = layers.serialize(Shift(3.0))
    assert renamed["class_name"] == "tests>Shift"
    assert layers.deserialize(renamed).by == 3.0
    with pytest.raises(TypeError, match="expected a subclass of Layer"):
        layers.register_layer(3)


def test_a_layer_that_derives_from_another():
    class Head(layers.Dense):
        def __init__(self, units, spare=0, **kwargs):
            super().__init__(units, **kwargs)
            self.spare = spare

    again = layers.deserialize(layers.serialize(Head(3, spare=2, activation="tanh")), {"Head": Head})
    assert (again.units, again.spare, again.activation) == (3, 2, activations.tanh)


def test_layers_as_arguments():
    class Twice(layers.Layer):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

        def call(self, x):
            first, second = self.inner if isinstance(self.inner, list) else (self.inner, self.inner)
            return second(first(x))

    for layer in (Twice(layers.Dense(3, name="inner")), Twice([layers.ReLU(), layers.ReLU(6.0)])):
        config = json.loads(json.dumps(layers.serialize(layer)))
        again = layers.deserialize(config, {"Twice": Twice})
        assert layers.serialize(again) == layers.serialize(layer)
        assert again(Input((3,))).shape == (None, 3)
    dense = layers.deserialize(layers.serialize(layers.Dense(2, activation=layers.LeakyReLU(0.5))))
    graph = Graph()
    dense(graph.input((1, 2)))
    assert [n.op for n in graph.nodes] == ["dense", "leaky_relu"]


def test_functions_of_one_s_own():
    def cube(x):
        return x * x * x

    def quarters(shape):
        return 0.5

    config = layers.serialize(layers.Dense(2, activation=cube, kernel_initializer=initializers.Constant(2.0)))
    assert config["config"]["activation"] == "cube"
    with pytest.raises(ValueError, match="unknown activation 'cube'"):
        layers.deserialize(config)
    assert layers.deserialize(config, {"cube": cube}).activation is cube
    with layers.custom_object_scope({"quarters": quarters}):
        assert initializers.get("quarters") is quarters
    with pytest.raises(ValueError, match="unknown initializer 'quarters'"):
        initializers.get("quarters")


def test_what_no_config_can_hold():
    class Keeps(layers.Layer):
        def __init__(self, thing, lost=0):
            super().__init__()
            self.thing = thing

    with pytest.raises(NotImplementedError, match=r"Keeps does not keep its argument 'lost' as self.lost"):
        Keeps(3).get_config()
    with pytest.raises(TypeError, match="no config can hold"):
        Keeps(object()).get_config()
    with pytest.raises(TypeError, match="has no name"):
        layers.Activation(lambda x: x).get_config()
    with pytest.raises(ValueError, match="expected the config of a layer"):
        layers.deserialize({"config": {}})
