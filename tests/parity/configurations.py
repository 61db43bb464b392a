"""The networks in which edgenet and Keras 3 have to agree, and the numbers that go into them.

Nothing here imports either: `build` is handed one of the two, and writes the same lines for both.
"""

import zlib
from typing import Any, NamedTuple

import numpy as np

BATCH, STEPS = 3, 3
OPTIMIZERS = {"sgd": ("SGD", {"learning_rate": 0.05}), "adam": ("Adam", {"learning_rate": 0.01})}


class Made(NamedTuple):
    """An argument that is an object of the library: module, class, arguments."""

    module: str
    name: str
    arguments: dict[str, Any]


class Words(NamedTuple):
    """An input of whole numbers below `count`."""

    count: int
    shape: tuple[int, ...]


class Case(NamedTuple):
    """A network: each call is (name of the result, class of the layer, arguments, names of what it is called on).

    Inputs are called ``x0``, ``x1``, …; a call whose class is another call's name calls that layer again, one whose
    class is a case calls that network.  The last call is the output.
    """

    name: str
    inputs: tuple[Any, ...]
    calls: tuple[tuple[str, Any, dict[str, Any], tuple[str, ...]], ...]
    optimizer: str

    @property
    def seed(self):
        """From the name, so that a new case changes no other."""
        return zlib.crc32(self.name.encode())


CASES: list[Case] = []


def net(name, inputs, *calls, optimizer="sgd"):
    """Add a network of several layers."""
    assert name not in {c.name for c in CASES}, name
    CASES.append(Case(name, tuple(inputs), calls, optimizer))


def layer(kind, *inputs, optimizer="sgd", **arguments):
    """Add a network of a single layer."""
    net(_named(kind, inputs, arguments), inputs, ("y", kind, arguments, _sources(inputs)), optimizer=optimizer)


def behind(kind, *inputs, optimizer="sgd", **arguments):
    """Add a layer without weights behind one dense layer for each input, whose gradients then pass through it."""
    front = [(f"d{i}", "Dense", {"units": shape[-1]}, (f"x{i}",)) for i, shape in enumerate(inputs)]
    last = ("y", kind, arguments, tuple(f"d{i}" for i in range(len(inputs))))
    net(_named(kind, inputs, arguments), inputs, *front, last, optimizer=optimizer)


def _sources(inputs):
    return tuple(f"x{i}" for i in range(len(inputs)))


def _named(kind, inputs, arguments):
    given = ", ".join(f"{k}={_short(v)}" for k, v in arguments.items())
    shapes = " ".join("x".join(map(str, i.shape if isinstance(i, Words) else i)) for i in inputs)
    return f"{kind}({given}) {shapes}"


def _short(value):
    return f"{value.name}{tuple(value.arguments.values())}" if isinstance(value, Made) else str(value)


# what is given to both ------------------------------------------------------------------------------------------------


def build(face, case):
    """The model of a case, made of the classes of `face`: edgenet or keras."""
    inputs = [
        face.Input(i.shape, dtype="int32") if isinstance(i, Words) else face.Input(i) for i in case.inputs
    ]  # fmt: skip
    values: dict[str, Any] = {f"x{i}": x for i, x in enumerate(inputs)}
    layers: dict[str, Any] = {}
    for name, kind, arguments, sources in case.calls:
        if isinstance(kind, Case):
            layers[name] = build(face, kind)
        elif kind in layers:
            layers[name] = layers[kind]
        else:
            given = {k: _made(face, v) for k, v in arguments.items()}
            layers[name] = getattr(face.layers, kind)(**given)
        several = [values[s] for s in sources]
        values[name] = layers[name](several if len(several) > 1 else several[0])
    return face.Model(inputs if len(inputs) > 1 else inputs[0], values[case.calls[-1][0]])


def _made(face, value):
    return getattr(getattr(face, value.module), value.name)(**value.arguments) if isinstance(value, Made) else value


def weights(model):
    """The weights of all layers; those of Normalization, which no training changes, are kept in other ways."""
    kept = [layer for layer in model.layers if type(layer).__name__ != "Normalization"]
    return [w for layer in kept for w in layer.weights]


def numbers(case, model):
    """First values of the weights, then the arrays of the inputs."""
    rng = np.random.default_rng(case.seed)
    start = []
    for w in weights(model):
        low = 0.5 if "variance" in w.name else -0.8
        start.append(rng.uniform(low, 1.0, w.shape).astype(np.float32))
    for w, array in zip(weights(model), start, strict=True):
        w.assign(array)
    return [
        rng.integers(0, i.count, (BATCH, *i.shape)).astype(np.int32)
        if isinstance(i, Words)
        else rng.standard_normal((BATCH, *i)).astype(np.float32)
        for i in case.inputs
    ]


def cotangent(case, shape):
    """The dy of the gradients of sum(dy · y); also the targets of the training steps, whose loss is mse."""
    return np.random.default_rng([case.seed, 1]).standard_normal(shape).astype(np.float32)


def optimizer(face, case):
    """The optimizer of the training steps."""
    kind, arguments = OPTIMIZERS[case.optimizer]
    return getattr(face.optimizers, kind)(**arguments)


# the list -------------------------------------------------------------------------------------------------------------

ROW, ROWS, SEQUENCE, IMAGE = (5,), (4, 3), (7, 4), (6, 5, 4)
ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "softsign", "hard_sigmoid",
    "hard_silu", "mish", "sigmoid", "tanh", "exponential", "softmax", "log_softmax",
)  # fmt: skip

for a in ACTIVATIONS:
    layer("Dense", ROW, units=3, activation=a, optimizer="adam" if a < "l" else "sgd")
layer("Dense", ROWS, units=5, use_bias=False, optimizer="adam")
layer("Dense", (2, 3, 4), units=2, activation="tanh")

for p in ("valid", "same", "causal"):
    layer("Conv1D", SEQUENCE, filters=3, kernel_size=3, padding=p, optimizer="adam")
    layer("Conv1D", SEQUENCE, filters=2, kernel_size=2, strides=2, padding=p)
    layer("Conv1D", SEQUENCE, filters=4, kernel_size=3, dilation_rate=2, groups=2, padding=p, use_bias=False)
for p in ("valid", "same"):
    layer("Conv2D", IMAGE, filters=3, kernel_size=3, padding=p, activation="relu")
    layer("Conv2D", IMAGE, filters=2, kernel_size=(2, 3), strides=2, padding=p, optimizer="adam")
    layer("Conv2D", IMAGE, filters=2, kernel_size=(3, 2), strides=(1, 3), padding=p, use_bias=False)
    layer("Conv2D", IMAGE, filters=4, kernel_size=3, dilation_rate=2, groups=2, padding=p)
    layer("Conv2D", IMAGE, filters=8, kernel_size=2, groups=4, padding=p, activation="sigmoid")
    layer("DepthwiseConv2D", IMAGE, kernel_size=3, padding=p, optimizer="adam")
    layer("DepthwiseConv2D", IMAGE, kernel_size=(2, 3), strides=2, depth_multiplier=2, padding=p, activation="tanh")
    layer("DepthwiseConv2D", IMAGE, kernel_size=2, dilation_rate=2, padding=p, use_bias=False)
    layer("SeparableConv2D", IMAGE, filters=3, kernel_size=3, padding=p, activation="relu")
    layer("SeparableConv2D", IMAGE, filters=2, kernel_size=2, strides=2, depth_multiplier=2, padding=p)
    layer("SeparableConv2D", IMAGE, filters=2, kernel_size=2, dilation_rate=(2, 2), padding=p, use_bias=False)
    layer("Conv2DTranspose", (3, 2, 4), filters=3, kernel_size=(3, 2), padding=p, activation="relu")
    layer("Conv2DTranspose", (3, 2, 4), filters=2, kernel_size=3, strides=2, padding=p, optimizer="adam")
    layer("Conv2DTranspose", (3, 2, 4), filters=2, kernel_size=2, strides=3, padding=p, use_bias=False)
    layer("Conv2DTranspose", (3, 2, 4), filters=2, kernel_size=3, strides=2, padding=p, output_padding=1)
    layer("Conv2DTranspose", (3, 2, 4), filters=2, kernel_size=(4, 3), strides=(3, 2), padding=p, output_padding=(2, 0))
    layer("Conv2DTranspose", (3, 2, 4), filters=2, kernel_size=(2, 3), dilation_rate=2, padding=p)

    for kind in ("MaxPooling", "AveragePooling"):
        behind(f"{kind}1D", SEQUENCE, pool_size=2, padding=p)
        behind(f"{kind}1D", SEQUENCE, pool_size=3, strides=2, padding=p, optimizer="adam")
        behind(f"{kind}2D", IMAGE, pool_size=2, padding=p)
        behind(f"{kind}2D", IMAGE, pool_size=(3, 2), strides=1, padding=p)
        behind(f"{kind}2D", IMAGE, pool_size=2, strides=3, padding=p, optimizer="adam")
for kind in ("GlobalMaxPooling", "GlobalAveragePooling"):
    for keepdims in (False, True):
        behind(f"{kind}1D", SEQUENCE, keepdims=keepdims)
        behind(f"{kind}2D", IMAGE, keepdims=keepdims)

for how in ("nearest", "bilinear"):
    behind("UpSampling2D", (3, 2, 2), size=(2, 3), interpolation=how)
    behind("Resizing", (4, 3, 2), height=7, width=5, interpolation=how)
    behind("Resizing", IMAGE, height=3, width=4, interpolation=how)
behind("Cropping2D", IMAGE, cropping=((1, 0), (2, 1)))
behind("Cropping2D", IMAGE, cropping=(1, 2))
behind("ZeroPadding2D", (3, 2, 2), padding=((1, 0), (2, 1)))
behind("ZeroPadding2D", (3, 2, 2), padding=1)
behind("Reshape", ROWS, target_shape=(2, -1))
behind("Permute", (2, 3, 4), dims=(3, 1, 2))
behind("RepeatVector", ROW, n=3)
behind("Flatten", (2, 3, 4))
layer("Embedding", Words(6, (4,)), input_dim=6, output_dim=3, optimizer="adam")
layer("Embedding", Words(9, (2, 3)), input_dim=9, output_dim=2)

layer("BatchNormalization", ROW)
layer("BatchNormalization", IMAGE, momentum=0.5, epsilon=0.1, optimizer="adam")
layer("BatchNormalization", IMAGE, axis=1)
layer("BatchNormalization", SEQUENCE, center=False)
layer("BatchNormalization", SEQUENCE, scale=False, axis=2)
behind("BatchNormalization", ROWS, trainable=False)
layer("LayerNormalization", SEQUENCE)
layer("LayerNormalization", IMAGE, axis=(1, 3), epsilon=1e-2, optimizer="adam")
layer("LayerNormalization", IMAGE, axis=[-1, -2, -3], center=False)
layer("LayerNormalization", SEQUENCE, axis=1, scale=False)
layer("GroupNormalization", IMAGE, groups=2)
layer("GroupNormalization", SEQUENCE, groups=-1, optimizer="adam")
layer("GroupNormalization", IMAGE, groups=1, epsilon=0.1, scale=False)
layer("GroupNormalization", IMAGE, groups=3, axis=1)
behind("UnitNormalization", SEQUENCE)
behind("UnitNormalization", IMAGE, axis=(1, 2))
behind("Normalization", ROWS, mean=[0.5, -1.0, 2.0], variance=[0.25, 4.0, 1.0])
behind("Normalization", ROWS, axis=None, mean=0.3, variance=2.0, invert=True)
behind("Normalization", ROWS, axis=1, mean=[0.5, -1.0, 2.0, 0.0], variance=[0.25, 4.0, 1.0, 2.0])
behind("Rescaling", ROWS, scale=0.3, offset=-1.5)
behind("Rescaling", ROWS, scale=[0.5, 2.0, -1.0], offset=[1.0, 0.0, 3.0])

for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum"):
    behind(kind, ROWS, ROWS, ROWS, optimizer="adam" if kind < "B" else "sgd")
behind("Add", ROWS, (1, 3))
behind("Multiply", IMAGE, (1, 1, 4))
behind("Maximum", ROWS, (3,))
behind("Subtract", ROWS, ROWS)
behind("Concatenate", ROWS, ROWS, (4, 2))
behind("Concatenate", ROWS, (2, 3), axis=1)
behind("Dot", ROW, ROW, axes=1)
behind("Dot", ROWS, (2, 3), axes=2)
behind("Dot", ROWS, (3, 2), axes=(2, 1), normalize=True)
behind("Dot", (2, 3, 4), (4, 2), axes=(3, 1))

layer("PReLU", ROWS)
layer("PReLU", IMAGE, shared_axes=[1, 2], optimizer="adam")
behind("ReLU", ROWS)
behind("ReLU", ROWS, max_value=1.0, negative_slope=0.2, threshold=0.3)
behind("ReLU", ROWS, negative_slope=0.1)
behind("ReLU", ROWS, threshold=0.5)
behind("LeakyReLU", ROWS)
behind("LeakyReLU", ROWS, negative_slope=0.1)
behind("ELU", ROWS, alpha=0.5)
behind("Softmax", ROWS)
behind("Softmax", ROWS, axis=1)
behind("Softmax", ROWS, axis=(1, 2))
behind("Activation", ROWS, activation="gelu")

L1, L2 = Made("regularizers", "L1", {"l1": 0.03}), Made("regularizers", "L2", {"l2": 0.05})
BOTH = Made("regularizers", "L1L2", {"l1": 0.02, "l2": 0.03})
layer("Dense", ROW, units=3, kernel_regularizer=L1, bias_regularizer=L2)
layer("Dense", ROW, units=3, kernel_regularizer="l2", bias_regularizer="l1", optimizer="adam")
for mode in ("rows", "columns"):
    orthogonal = Made("regularizers", "OrthogonalRegularizer", {"factor": 0.04, "mode": mode})
    layer("Dense", ROW, units=4, kernel_regularizer=orthogonal)
layer("Conv2D", IMAGE, filters=2, kernel_size=2, kernel_regularizer=BOTH, bias_regularizer=L1)
layer("DepthwiseConv2D", IMAGE, kernel_size=2, depthwise_regularizer=L2, bias_regularizer=L2)
layer("SeparableConv2D", IMAGE, filters=2, kernel_size=2, depthwise_regularizer=L1, pointwise_regularizer=L2)
layer("BatchNormalization", ROW, gamma_regularizer=L1, beta_regularizer=L2)
layer("Embedding", Words(6, (4,)), input_dim=6, output_dim=3, embeddings_regularizer=BOTH)
layer("PReLU", ROWS, alpha_regularizer=L2)
layer("Dense", ROW, units=3, kernel_constraint=Made("constraints", "MaxNorm", {"max_value": 0.9, "axis": 0}))
layer("Dense", ROW, units=3, kernel_constraint="unit_norm", bias_constraint="non_neg", optimizer="adam")
between = {"min_value": 0.5, "max_value": 0.8, "rate": 0.7, "axis": 1}
layer("Dense", ROW, units=3, kernel_constraint=Made("constraints", "MinMaxNorm", between))
norm = Made("constraints", "MaxNorm", {"max_value": 1.0, "axis": [0, 1, 2]})
layer("Conv2D", IMAGE, filters=2, kernel_size=2, kernel_constraint=norm, bias_constraint="non_neg")
layer("Conv2DTranspose", (3, 2, 4), filters=2, kernel_size=2, kernel_constraint=norm)
layer("Embedding", Words(6, (4,)), input_dim=6, output_dim=3, embeddings_constraint="unit_norm")
layer("LayerNormalization", ROWS, gamma_constraint="non_neg", beta_constraint="max_norm")
layer("Dense", ROW, units=3, trainable=False, kernel_regularizer=L2)
layer("Dense", ROWS, units=3, activity_regularizer=BOTH)
layer("Conv2D", IMAGE, filters=2, kernel_size=2, activation="relu", activity_regularizer="l1", optimizer="adam")

net(
    "small cnn", [(8, 8, 2)],
    ("c", "Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same", "use_bias": False}, ("x0",)),
    ("n", "BatchNormalization", {"momentum": 0.9}, ("c",)),
    ("a", "ReLU", {}, ("n",)),
    ("p", "MaxPooling2D", {}, ("a",)),
    ("d", "DepthwiseConv2D", {"kernel_size": 3, "activation": "relu6"}, ("p",)),
    ("f", "Flatten", {}, ("d",)),
    ("y", "Dense", {"units": 4, "activation": "softmax"}, ("f",)),
)  # fmt: skip
net(
    "residual block", [(5, 5, 3)],
    ("c", "Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same", "activation": "silu"}, ("x0",)),
    ("e", "Conv2D", {"filters": 3, "kernel_size": 3, "padding": "same"}, ("c",)),
    ("s", "Add", {}, ("e", "x0")),
    ("g", "GlobalAveragePooling2D", {"keepdims": True}, ("s",)),
    ("k", "Conv2D", {"filters": 3, "kernel_size": 1, "activation": "sigmoid"}, ("g",)),
    ("m", "Multiply", {}, ("s", "k")),
    ("y", "Conv2D", {"filters": 2, "kernel_size": 3, "strides": 2}, ("m",)),
    optimizer="adam",
)  # fmt: skip
net(
    "one layer called twice", [ROW, ROW],
    ("d", "Dense", {"units": 5, "activation": "tanh", "kernel_regularizer": L1}, ("x0",)),
    ("e", "d", {}, ("x1",)),
    ("f", "d", {}, ("e",)),
    ("y", "Subtract", {}, ("d", "f")),
)  # fmt: skip
INNER = Case(
    "inner", (ROW,),
    (("a", "Dense", {"units": 5, "activation": "elu"}, ("x0",)), ("b", "BatchNormalization", {}, ("a",)),
     ("y", "Add", {}, ("b", "x0"))), "sgd",
)  # fmt: skip
net(
    "a model called twice", [ROW],
    ("m", INNER, {}, ("x0",)),
    ("n", "m", {}, ("m",)),
    ("y", "Dense", {"units": 2}, ("n",)),
)  # fmt: skip
net(
    "a frozen layer in front", [ROW],
    ("d", "Dense", {"units": 4, "activation": "relu", "trainable": False, "bias_regularizer": L1}, ("x0",)),
    ("n", "BatchNormalization", {"trainable": False}, ("d",)),
    ("y", "Dense", {"units": 2, "activation": "sigmoid"}, ("n",)),
    optimizer="adam",
)  # fmt: skip
net(
    "words", [Words(8, (6,)), (3,)],
    ("e", "Embedding", {"input_dim": 8, "output_dim": 4}, ("x0",)),
    ("c", "Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", "activation": "relu"}, ("e",)),
    ("g", "GlobalMaxPooling1D", {}, ("c",)),
    ("j", "Concatenate", {}, ("g", "x1")),
    ("n", "LayerNormalization", {}, ("j",)),
    ("y", "Dense", {"units": 3, "activation": "log_softmax"}, ("n",)),
    optimizer="adam",
)  # fmt: skip
net(
    "encoder and decoder", [(4, 4, 2)],
    ("c", "Conv2D", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "gelu"}, ("x0",)),
    ("u", "UpSampling2D", {"interpolation": "bilinear"}, ("c",)),
    ("t", "Conv2DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}, ("c",)),
    ("j", "Concatenate", {}, ("u", "t", "x0")),
    ("y", "SeparableConv2D", {"filters": 2, "kernel_size": 3, "padding": "same"}, ("j",)),
)  # fmt: skip
