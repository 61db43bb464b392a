"""The networks that are measured, each described once and built from edgenet's, Keras's, PyTorch's and JAX's parts.

A network is a function of a `Builder`; the builder below and those of `_torch_networks` and `_jax_networks` turn its
words into layers.
Padding is "same" everywhere unless a network says "valid".  What runs on boards stands here, what was made for ImageNet
in `_imagenet`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Part = Callable[["Builder"], None]


class Builder(Protocol):
    """The words that networks are written in."""

    def conv(self, filters: int, kernel: Any, stride: Any = 1, bias: bool = True, valid: bool = False) -> None: ...
    def depthwise(self, kernel: int, stride: int = 1) -> None: ...
    def norm(self) -> None: ...
    def relu(self, most: float | None = None) -> None: ...
    def max_pool(self, size: int, stride: int | None = None) -> None: ...
    def global_average(self) -> None: ...
    def flatten(self) -> None: ...
    def dense(self, units: int) -> None: ...
    def residual(self, branch: Part, shortcut: Part | None = None) -> None: ...
    def concat(self, *branches: Part) -> None: ...


@dataclass(frozen=True)
class Network:
    """A network that ends in logits."""

    name: str
    shape: tuple[int, ...]
    """of one sample, NHWC"""
    classes: int
    """numbers that come out"""
    describe: Part
    trained: bool = True
    """whether `train.py` measures it"""


def mlp(b: Builder) -> None:
    """784-512-512-10."""
    for _ in range(2):
        b.dense(512)
        b.relu()
    b.dense(10)


def lenet5(b: Builder) -> None:
    """LeNet-5 (LeCun et al. 1998, section II.B) with ReLU and maximum pooling."""
    for filters, valid in ((6, False), (16, True)):
        b.conv(filters, 5, valid=valid)
        b.relu()
        b.max_pool(2)
    b.flatten()
    for units in (120, 84):
        b.dense(units)
        b.relu()
    b.dense(10)


def autoencoder(b: Builder) -> None:
    """The autoencoder of MLPerf Tiny's anomaly detection: 640-128×4-8-128×4-640."""
    for units in (128,) * 4 + (8,) + (128,) * 4:
        b.dense(units)
        b.norm()
        b.relu()
    b.dense(640)


def cifar_cnn(b: Builder) -> None:
    """Two 3×3 convolutions of 32 channels and two dense layers, as in Keras's first example for CIFAR-10."""
    for valid in (False, True):
        b.conv(32, 3, valid=valid)
        b.relu()
    b.max_pool(2)
    b.flatten()
    b.dense(512)
    b.relu()
    b.dense(10)


def normed(b: Builder, filters: int, kernel: Any, stride: Any = 1) -> None:
    b.conv(filters, kernel, stride, bias=False)
    b.norm()


def resnet8(b: Builder) -> None:
    """ResNet-8 of MLPerf Tiny's image classification."""
    normed(b, 16, 3)
    b.relu()
    for filters, stride in ((16, 1), (32, 2), (64, 2)):

        def branch(b: Builder, filters: int = filters, stride: int = stride) -> None:
            normed(b, filters, 3, stride)
            b.relu()
            normed(b, filters, 3)

        def shortcut(b: Builder, filters: int = filters, stride: int = stride) -> None:
            b.conv(filters, 1, stride)

        b.residual(branch, None if stride == 1 else shortcut)
        b.relu()
    b.global_average()
    b.dense(10)


def _separable(b: Builder, filters: int, stride: int = 1) -> None:
    b.depthwise(3, stride)
    b.norm()
    b.relu()
    normed(b, filters, 1)
    b.relu()


def ds_cnn(b: Builder) -> None:
    """DS-CNN of MLPerf Tiny's keyword spotting."""
    normed(b, 64, (10, 4), (2, 2))
    b.relu()
    for _ in range(4):
        _separable(b, 64)
    b.global_average()
    b.dense(12)


def mobilenet(b: Builder) -> None:
    """MobileNetV1 (Howard et al. 2017, table 1) at a quarter of its width."""
    normed(b, 8, 3, 2)
    b.relu()
    widths = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1))
    for filters, stride in widths:
        _separable(b, filters, stride)
    b.global_average()
    b.dense(2)


NETWORKS = {
    n.name: n
    for n in (
        Network("LeNet-5", (28, 28, 1), 10, lenet5),
        Network("MLP 784-512-512-10", (784,), 10, mlp),
        Network("autoencoder", (640,), 640, autoencoder, trained=False),
        Network("DS-CNN", (49, 10, 1), 12, ds_cnn),
        Network("MobileNetV1 0.25 96×96", (96, 96, 3), 2, mobilenet),
        Network("ResNet-8", (32, 32, 3), 10, resnet8),
        Network("CIFAR CNN", (32, 32, 3), 10, cifar_cnn),
    )
}


class _LayersBuilder:
    """Builds from the layers of edgenet or of Keras, which bear the same names."""

    def __init__(self, x: Any, layers: Any) -> None:
        self.x, self.layers = x, layers

    def conv(self, filters: int, kernel: Any, stride: Any = 1, bias: bool = True, valid: bool = False) -> None:
        padding = "valid" if valid else "same"
        self.x = self.layers.Conv2D(filters, kernel, strides=stride, padding=padding, use_bias=bias)(self.x)

    def depthwise(self, kernel: int, stride: int = 1) -> None:
        self.x = self.layers.DepthwiseConv2D(kernel, strides=stride, padding="same", use_bias=False)(self.x)

    def norm(self) -> None:
        self.x = self.layers.BatchNormalization()(self.x)

    def relu(self, most: float | None = None) -> None:
        self.x = self.layers.ReLU(max_value=most)(self.x)

    def max_pool(self, size: int, stride: int | None = None) -> None:
        padding = "valid" if stride is None else "same"
        self.x = self.layers.MaxPooling2D(size, strides=stride, padding=padding)(self.x)

    def global_average(self) -> None:
        self.x = self.layers.GlobalAveragePooling2D()(self.x)

    def flatten(self) -> None:
        self.x = self.layers.Flatten()(self.x)

    def dense(self, units: int) -> None:
        self.x = self.layers.Dense(units)(self.x)

    def _ends(self, parts: tuple[Part | None, ...]) -> list[Any]:
        ends = []
        for part in parts:
            b = _LayersBuilder(self.x, self.layers)
            if part is not None:
                part(b)
            ends.append(b.x)
        return ends

    def residual(self, branch: Part, shortcut: Part | None = None) -> None:
        self.x = self.layers.Add()(self._ends((branch, shortcut)))

    def concat(self, *branches: Part) -> None:
        self.x = self.layers.Concatenate()(self._ends(branches))


def _built(network: Network, library: Any, batch: int | None = None) -> Any:
    x = library.Input(network.shape, batch_size=batch)
    builder = _LayersBuilder(x, library.layers)
    network.describe(builder)
    return library.Model(x, builder.x)


def edgenet_model(network: Network) -> Any:
    """The network as an `edgenet.Model`."""
    import edgenet

    return _built(network, edgenet)


def keras_model(network: Network, weights: Sequence[Any], batch: int | None = None) -> Any:
    """The network as a `keras.Model`, with the weights of an edgenet model."""
    import keras

    model = _built(network, keras, batch)
    model.set_weights(weights)
    return model


def weights_by_kind(model: Any) -> dict[str, list[Any]]:
    """The arrays of an edgenet model's layers, as the other builders take them."""
    kinds = {"Conv2D": "conv", "DepthwiseConv2D": "conv", "Dense": "dense", "BatchNormalization": "norm"}
    found: dict[str, list[Any]] = {kind: [] for kind in kinds.values()}
    for layer in model.layers:
        if layer.get_weights():
            found[kinds[type(layer).__name__]] += layer.get_weights()
    return found
