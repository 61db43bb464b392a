"""Networks made for ImageNet, on pictures of 224×224, without their last softmax.  See `_networks`."""

from __future__ import annotations

from collections.abc import Callable

from _networks import Builder, Network, normed


def mobilenet_v2(b: Builder) -> None:
    """MobileNetV2 (Sandler et al. 2018, table 2)."""
    normed(b, 32, 3, 2)
    b.relu(6.0)
    width = 32
    for expansion, filters, repeats, stride in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for i in range(repeats):
            part = _inverted(width, expansion, filters, stride if i == 0 else 1)
            if i == 0:
                part(b)
            else:
                b.residual(part)
            width = filters
    normed(b, 1280, 1)
    b.relu(6.0)
    b.global_average()
    b.dense(1000)


def _inverted(width: int, expansion: int, filters: int, stride: int) -> Callable[[Builder], None]:
    def part(b: Builder) -> None:
        if expansion > 1:
            normed(b, width * expansion, 1)
            b.relu(6.0)
        b.depthwise(3, stride)
        b.norm()
        b.relu(6.0)
        normed(b, filters, 1)

    return part


def squeezenet(b: Builder) -> None:
    """SqueezeNet 1.1 (Iandola et al. 2016; the release notes of version 1.1)."""
    b.conv(64, 3, 2)
    b.relu()
    b.max_pool(3, 2)
    for i, (squeeze, expand) in enumerate(
        ((16, 64), (16, 64), (32, 128), (32, 128), (48, 192), (48, 192), (64, 256), (64, 256))
    ):
        if i in (2, 4):
            b.max_pool(3, 2)
        b.conv(squeeze, 1)
        b.relu()
        b.concat(*(_expanded(expand, kernel) for kernel in (1, 3)))
    b.conv(1000, 1)
    b.relu()
    b.global_average()


def _expanded(filters: int, kernel: int) -> Callable[[Builder], None]:
    def part(b: Builder) -> None:
        b.conv(filters, kernel)
        b.relu()

    return part


def _resnet(b: Builder, blocks: tuple[int, ...], bottleneck: bool) -> None:
    normed(b, 64, 7, 2)
    b.relu()
    b.max_pool(3, 2)
    for stage, repeats in enumerate(blocks):
        filters = 64 * 2**stage
        for i in range(repeats):
            stride = 2 if stage > 0 and i == 0 else 1
            branch = _bottleneck(filters, stride) if bottleneck else _basic(filters, stride)
            changes = i == 0 and (bottleneck or stage > 0)
            b.residual(branch, _projection(filters * (4 if bottleneck else 1), stride) if changes else None)
            b.relu()
    b.global_average()
    b.dense(1000)


def _basic(filters: int, stride: int) -> Callable[[Builder], None]:
    def part(b: Builder) -> None:
        normed(b, filters, 3, stride)
        b.relu()
        normed(b, filters, 3)

    return part


def _bottleneck(filters: int, stride: int) -> Callable[[Builder], None]:
    def part(b: Builder) -> None:
        normed(b, filters, 1)
        b.relu()
        normed(b, filters, 3, stride)
        b.relu()
        normed(b, 4 * filters, 1)

    return part


def _projection(filters: int, stride: int) -> Callable[[Builder], None]:
    return lambda b: normed(b, filters, 1, stride)


def resnet18(b: Builder) -> None:
    """ResNet-18 (He et al. 2015, table 1)."""
    _resnet(b, (2, 2, 2, 2), bottleneck=False)


def resnet50(b: Builder) -> None:
    """ResNet-50 (He et al. 2015, table 1), with the stride in the 3×3 convolution, as in torchvision."""
    _resnet(b, (3, 4, 6, 3), bottleneck=True)


IMAGENET = {
    n.name: n
    for n in (
        Network("MobileNetV2 224", (224, 224, 3), 1000, mobilenet_v2, trained=False),
        Network("SqueezeNet 1.1 224", (224, 224, 3), 1000, squeezenet, trained=False),
        Network("ResNet-18 224", (224, 224, 3), 1000, resnet18, trained=False),
        Network("ResNet-50 224", (224, 224, 3), 1000, resnet50, trained=False),
    )
}
