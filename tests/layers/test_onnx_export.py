"""Every layer as ONNX: onnxruntime agrees at batch 1, 2 and 7; what belongs to training leaves nothing."""

import pytest
from layers.run import randomise

from edgenet import Input, Model, layers, ops

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytestmark = pytest.mark.onnxruntime

IMAGE, SEQUENCE, ROW = (6, 8, 4), (9, 4), (6,)
CASES = {
    "Conv1D": [(layers.Conv1D(5, 3, padding=p, **a), SEQUENCE) for p in ("valid", "same", "causal")
               for a in ({}, {"strides": 2}, {"dilation_rate": 2, "groups": 1})],
    "Conv2DTranspose": [(layers.Conv2DTranspose(3, k, s, p, output_padding=o), IMAGE)
                        for k, s, o in (((3, 2), 1, None), (3, 2, None), (3, 2, 1), (2, 3, None), (2, 3, 2))
                        for p in ("valid", "same")],
    "MaxPooling1D": [(layers.MaxPooling1D(), SEQUENCE), (layers.MaxPooling1D(3, 2, "same"), SEQUENCE)],
    "AveragePooling1D": [(layers.AveragePooling1D(), SEQUENCE), (layers.AveragePooling1D(3, 2, "same"), SEQUENCE)],
    "GlobalAveragePooling1D": [(layers.GlobalAveragePooling1D(), SEQUENCE)],
    "GlobalMaxPooling1D": [(layers.GlobalMaxPooling1D(keepdims=True), SEQUENCE)],
    "L2Pooling2D": [(layers.L2Pooling2D(), IMAGE), (layers.L2Pooling2D(3, 2, "same"), IMAGE)],
    "DistanceWeightedAveragePooling2D": [(layers.DistanceWeightedAveragePooling2D(3, 2, p, w), IMAGE)
                                         for p in ("valid", "same") for w in ("inverse", "gaussian")],
    "UpSampling2D": [(layers.UpSampling2D((2, 3), interpolation=i), IMAGE) for i in ("nearest", "bilinear")],
    "Resizing": [(layers.Resizing(h, w, i), IMAGE) for h, w in ((9, 5), (6, 11), (3, 4))
                 for i in ("nearest", "bilinear")],
    "Cropping2D": [(layers.Cropping2D(((1, 0), (2, 3))), IMAGE)],
    "Permute": [(layers.Permute((2, 1)), SEQUENCE), (layers.Permute((3, 1, 2)), IMAGE)],
    "RepeatVector": [(layers.RepeatVector(3), ROW)],
    "LayerNormalization": [(layers.LayerNormalization(), SEQUENCE), (layers.LayerNormalization([1, 3]), IMAGE)],
    "GroupNormalization": [(layers.GroupNormalization(2), IMAGE), (layers.GroupNormalization(-1), SEQUENCE)],
    "UnitNormalization": [(layers.UnitNormalization(), IMAGE), (layers.UnitNormalization((1, 2)), IMAGE)],
    "Normalization": [(layers.Normalization(), IMAGE), (layers.Normalization(None, invert=True), ROW)],
    "Rescaling": [(layers.Rescaling(0.5, -1), IMAGE), (layers.Rescaling([1, 2, 3, 4]), IMAGE)],
    "Lambda": [(layers.Lambda(lambda x: ops.exp(-ops.abs(x))), IMAGE)],
    "ELU": [(layers.ELU(0.5), IMAGE)],
    "PReLU": [(layers.PReLU(), IMAGE), (layers.PReLU(shared_axes=[1, 2]), IMAGE)],
    "Maxout": [(layers.Maxout(5, 3), ROW), (layers.Maxout(5, 3), SEQUENCE)],
    "RadialBasis": [(layers.RadialBasis(5), ROW)],
    "Activation": [(layers.Activation(a), IMAGE) for a in (
        "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign", "hard_sigmoid",
        "hard_swish", "mish", "sigmoid", "tanh", "exponential", "softmax", "log_softmax", "abs")],
    "Dense": [(layers.Dense(3, "gelu"), SEQUENCE), (layers.Dense(3), ROW)],
    "Conv2D": [(layers.Conv2D(6, 3, s, p, dilation_rate=d, groups=g), IMAGE) for p in ("valid", "same")
               for s, d in ((1, 1), (2, 1), (1, 2)) for g in (1, 2)],
    "DepthwiseConv2D": [(layers.DepthwiseConv2D(3, 2, "same", depth_multiplier=2), IMAGE)],
    "SeparableConv2D": [(layers.SeparableConv2D(3, 3), IMAGE)],
    "MaxPooling2D": [(layers.MaxPooling2D(3, 2, "same"), IMAGE)],
    "AveragePooling2D": [(layers.AveragePooling2D(3, 2, "same"), IMAGE)],
    "GlobalAveragePooling2D": [(layers.GlobalAveragePooling2D(), IMAGE)],
    "GlobalMaxPooling2D": [(layers.GlobalMaxPooling2D(), IMAGE)],
    "Flatten": [(layers.Flatten(), IMAGE)],
    "Reshape": [(layers.Reshape((4, -1)), IMAGE)],
    "ZeroPadding2D": [(layers.ZeroPadding2D(((0, 1), (2, 3))), IMAGE)],
    "ReLU": [(layers.ReLU(4.0, 0.5, 1.0), IMAGE)],
    "LeakyReLU": [(layers.LeakyReLU(), IMAGE)],
    "Softmax": [(layers.Softmax(1), IMAGE)],
    "BatchNormalization": [(layers.BatchNormalization(), IMAGE), (layers.BatchNormalization(axis=1), IMAGE)],
}  # fmt: skip
NOTHING = [
    layers.Dropout(0.5), layers.SpatialDropout1D(0.5), layers.SpatialDropout2D(0.5), layers.GaussianNoise(1.0),
    layers.RandomFlip(), layers.RandomTranslation(0.2, 0.2), layers.RandomRotation(0.2), layers.RandomZoom(0.2),
    layers.RandomContrast(0.2),
]  # fmt: skip
MERGES = [
    layers.Add(), layers.Subtract(), layers.Multiply(), layers.Average(), layers.Maximum(), layers.Minimum(),
    layers.Concatenate(), layers.Dot(-1), layers.Dot((1, 1), normalize=True),
]  # fmt: skip


def agree(model):
    from edgenet.converters.onnx import write
    from edgenet.converters.onnx.verify import verify

    randomise(model, 1)
    graph = model.graph()
    assert {d.batch for d in verify(write(graph), graph, batches=(1, 2, 7))} == {1, 2, 7}


@pytest.mark.parametrize("name", CASES)
def test_onnxruntime_agrees(name):
    for layer, shape in CASES[name]:
        x = Input(shape)
        agree(Model(x, layer(x)))


@pytest.mark.parametrize("layer", MERGES, ids=lambda layer: type(layer).__name__)
def test_merges(layer):
    a, b = Input(SEQUENCE), Input(SEQUENCE)
    agree(Model([a, b], layer([a, b])))


def test_embedding():
    x = Input(ROW)
    places = layers.Rescaling(9.99)(layers.Activation("sigmoid")(x))
    agree(Model(x, layers.Embedding(10, 3)(places)))


def test_a_model_as_a_layer_and_a_layer_called_twice():
    inner = Input(ROW)
    block = Model(inner, layers.Dense(6, "silu")(inner))
    a, b = Input(ROW), Input(ROW)
    agree(Model([a, b], layers.Subtract()([block(block(a)), block(b)])))


@pytest.mark.parametrize("layer", NOTHING, ids=lambda layer: type(layer).__name__)
def test_what_belongs_to_training_leaves_nothing(layer):
    shape = SEQUENCE if isinstance(layer, layers.SpatialDropout1D) else IMAGE
    x = Input(shape)
    assert Model(x, layer(x)).graph().nodes == []


def test_every_layer_is_among_them():
    public = {c for c in vars(layers).values() if isinstance(c, type) and issubclass(c, layers.Layer)}
    tested = {type(x) for cases in CASES.values() for x, _ in cases} | {type(x) for x in (*NOTHING, *MERGES)}
    elsewhere = {layers.Layer, layers.Embedding, layers.InputLayer, layers.GraphLayer}  # the last: converters/test_load
    assert public - tested == elsewhere
