"""Every public layer with every padding, stride, dilation and number of groups that it may have.

`EXAMPLES` gives for each class what it is made with and called on.  A class that has an argument of `VARIED` meets all
combinations of its choices, whether its example mentions the argument or not.
"""

import inspect
import itertools
from typing import Any, NamedTuple

import numpy as np

from edgenet import layers, ops
from edgenet.graph import Graph, Variable
from edgenet.layers.graph import pack

ROW, ROWS, SEQUENCE, IMAGE = (5,), (4, 3), (7, 4), (5, 4, 2)
#: choices of the arguments that say where a window goes
VARIED: dict[str, tuple[Any, ...]] = {
    "padding": ("valid", "same"),
    "strides": (1, 2, 3),
    "dilation_rate": (1, 2),
    "groups": (1, 2),
    "output_padding": (None, 0, 1),
}
DRAWN = {
    layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.GaussianNoise, layers.RandomContrast,
    layers.RandomFlip, layers.RandomRotation, layers.RandomTranslation, layers.RandomZoom,
}  # fmt: skip


class Example(NamedTuple):
    """A layer's arguments and the shapes it is called on, without the batch; `words` are whole numbers below that."""

    arguments: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]
    words: int = 0


def of(*shapes, words=0, **arguments):
    return Example(arguments, shapes, words)


def each(shape, name, *choices, **arguments):
    """Examples that differ in one argument."""
    return [of(shape, **arguments, **{name: c}) for c in choices]


def windows(shape, **arguments):
    return [of(shape, pool_size=p, **arguments) for p in ((3, 2) if len(shape) == 2 else ((3, 2), 2))]


def piece():
    """A piece of a graph, as a `GraphLayer` takes it: dense, batch normalisation, tanh."""
    graph = Graph()
    x = graph.input(("batch", 5))
    sizes = {"kernel": (5, 3), "gamma": (3,), "beta": (3,), "mean": (3,), "variance": (3,)}
    w, *norm = [
        graph.variable(Variable(np.ones(s, np.float32), n, trainable=n not in ("mean", "variance")))
        for n, s in sizes.items()
    ]
    y = ops.tanh(ops.batch_norm(ops.dense(x, w), *norm, epsilon=1e-3))
    return pack(graph.nodes, [x], [y])[0]


EXAMPLES: dict[type, list[Example]] = {
    layers.Conv1D: [of(SEQUENCE, filters=2, kernel_size=3, padding=p) for p in ("valid", "same", "causal")]
    + [of(SEQUENCE, filters=4, kernel_size=2, activation="tanh", use_bias=False)],
    layers.Conv2D: [of(IMAGE, filters=2, kernel_size=(3, 2)), of(IMAGE, filters=4, kernel_size=1, activation="silu"),
                    of(IMAGE, filters=2, kernel_size=2, use_bias=False, strides=(1, 2), dilation_rate=(2, 1))],
    layers.Conv2DTranspose: [of((3, 2, 2), filters=2, kernel_size=(3, 2)), of((3, 2, 2), filters=3, kernel_size=1),
                             of((2, 3, 2), filters=1, kernel_size=(2, 4), use_bias=False, activation="elu")],
    layers.DepthwiseConv2D: [of(IMAGE, kernel_size=(3, 2)), of(IMAGE, kernel_size=2, depth_multiplier=2,
                                                               use_bias=False, activation="sigmoid")],
    layers.SeparableConv2D: [of(IMAGE, filters=3, kernel_size=(3, 2)),
                             of(IMAGE, filters=2, kernel_size=2, depth_multiplier=2, use_bias=False)],
    **{c: windows(SEQUENCE) for c in (layers.MaxPooling1D, layers.AveragePooling1D)},
    **{c: windows(IMAGE) for c in (layers.MaxPooling2D, layers.AveragePooling2D, layers.L2Pooling2D)},
    layers.DistanceWeightedAveragePooling2D: [*windows(IMAGE), *windows(IMAGE, weighting="gaussian")],
    **{c: each(SEQUENCE, "keepdims", False, True)
       for c in (layers.GlobalAveragePooling1D, layers.GlobalMaxPooling1D)},
    **{c: each(IMAGE, "keepdims", False, True) for c in (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D)},
    layers.UpSampling2D: each((3, 2, 2), "interpolation", "nearest", "bilinear", size=(2, 3)),
    layers.Resizing: [of(IMAGE, height=h, width=w, interpolation=i) for h, w in ((7, 3), (5, 6), (2, 2))
                      for i in ("nearest", "bilinear")],
    layers.Cropping2D: each(IMAGE, "cropping", 1, (2, 1), ((1, 0), (0, 2))),
    layers.ZeroPadding2D: each((2, 3, 2), "padding", 1, (2, 1), ((1, 0), (0, 2))),
    layers.Flatten: [of(IMAGE), of(ROW)],
    layers.Reshape: [of(ROWS, target_shape=(2, 6)), of(ROWS, target_shape=(-1, 2, 3))],
    layers.Permute: [of(ROWS, dims=(2, 1)), of(IMAGE, dims=(3, 1, 2))],
    layers.RepeatVector: [of(ROW, n=3)],
    layers.Embedding: [of((6,), words=5, input_dim=5, output_dim=3), of((2, 3), words=9, input_dim=9, output_dim=2)],
    layers.Dense: [of(ROW, units=3), of(ROWS, units=2, activation="softplus"), of(IMAGE, units=3, use_bias=False)],
    layers.BatchNormalization: [of(ROW), of(IMAGE, axis=1), of(SEQUENCE, center=False), of(IMAGE, scale=False),
                                of(IMAGE, trainable=False)],
    layers.LayerNormalization: [of(ROW), of(IMAGE, axis=(1, 3)), of(SEQUENCE, center=False, scale=False)],
    layers.GroupNormalization: [*(of(IMAGE, groups=g) for g in (1, 2, -1)), of(IMAGE, groups=2, axis=2),
                                of(SEQUENCE, groups=4, scale=False)],
    layers.UnitNormalization: [of(ROW), of(IMAGE, axis=(1, 2))],
    layers.Normalization: [of(ROWS), of(IMAGE, axis=(1, 3)), of(ROWS, axis=None, invert=True)],
    layers.Rescaling: [of(ROWS, scale=0.5, offset=-1), of(ROWS, scale=[1, 2, 3], offset=[0.5, 0, 1])],
    layers.Activation: each(ROWS, "activation", *(
        "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign", "hard_sigmoid",
        "hard_swish", "mish", "sigmoid", "tanh", "exponential", "softmax", "log_softmax", "abs", "linear")),
    layers.ReLU: [of(ROWS), of(ROWS, max_value=1.0, negative_slope=0.3, threshold=0.2), of(ROWS, max_value=0.5),
                  of(ROWS, threshold=0.4), of(ROWS, negative_slope=0.2)],
    layers.LeakyReLU: [of(ROWS), of(ROWS, negative_slope=0.0)],
    layers.ELU: each(ROWS, "alpha", 1.0, 0.5),
    layers.PReLU: [of(ROWS), of(IMAGE, shared_axes=(1, 2))],
    layers.Softmax: each(ROWS, "axis", -1, 1, (2, 1)),
    layers.Maxout: [of(ROW, units=3), of(ROWS, units=2, pieces=3, use_bias=False)],
    layers.RadialBasis: [of(ROW, units=3), of(ROW, units=2, train_beta=False)],
    layers.Lambda: [of(ROWS, function=lambda x: ops.exp(-ops.abs(x)))],
    layers.Operation: [of(ROWS, function="multiply", operand=2.5),
                       of(IMAGE, function="get_item", operand=(slice(None), slice(1, None, 2), 0))],
    layers.GraphLayer: [of(ROW, piece=piece())],
    **{c: [of(ROWS, ROWS, ROWS), of(ROWS, (1, 3)), of(ROWS, (3,))]
       for c in (layers.Add, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum)},
    layers.Subtract: [of(ROWS, ROWS), of(ROWS, (4, 1))],
    layers.Concatenate: [of(ROWS, (4, 2)), of(ROWS, (1, 3), ROWS, axis=1)],
    layers.Dot: [of(ROW, ROW, axes=1), of(ROWS, (2, 3), axes=-1), of(ROWS, (3, 2), axes=(2, 1), normalize=True)],
    layers.Dropout: [of(ROWS, rate=0.4), of(ROWS, rate=0.4, noise_shape=(None, 1, None))],
    layers.SpatialDropout1D: [of(SEQUENCE, rate=0.4)],
    layers.SpatialDropout2D: [of(IMAGE, rate=0.4)],
    layers.GaussianNoise: [of(ROWS, stddev=0.5)],
    layers.RandomContrast: [of(IMAGE, factor=0.3, value_range=(-100, 100))],
    layers.RandomFlip: each(IMAGE, "mode", "horizontal", "vertical", "horizontal_and_vertical"),
    layers.RandomRotation: each(IMAGE, "fill_mode", "reflect", "constant", "wrap", "nearest", factor=0.2),
    layers.RandomTranslation: each(IMAGE, "interpolation", "bilinear", "nearest", height_factor=0.3, width_factor=0.3),
    layers.RandomZoom: [of(IMAGE, height_factor=0.3)],
}  # fmt: skip


def public():
    """The layer classes of `edgenet.layers`, but the base, and the mark of a model's input, which computes nothing."""
    found = {c for c in vars(layers).values() if isinstance(c, type) and issubclass(c, layers.Layer)}
    return found - {layers.Layer, layers.InputLayer}


def cases(kind):
    """(arguments, example) for each example of a class, in all the ways in which its windows may go."""
    taken = inspect.signature(kind).parameters
    for example in EXAMPLES[kind]:
        free = [n for n in VARIED if n in taken and n not in example.arguments]
        for chosen in itertools.product(*(VARIED[n] for n in free)):
            arguments = {**example.arguments, **dict(zip(free, chosen, strict=True))}
            if legal(arguments):
                yield arguments, example


def legal(arguments):
    """Whether Keras gives these arguments a meaning."""
    extra, strides = arguments.get("output_padding"), arguments.get("strides", 1)
    return extra is None or extra < strides
