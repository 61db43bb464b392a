"""Layers that change the number of pixels."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import ShapeError, Value

from .arguments import Pads, channels_last, image_channels, integer, pair, sides
from .layer import Layer

_MODES = {"nearest": "nearest", "bilinear": "linear"}


def _interpolation(owner: str, value: Any) -> str:
    if value not in _MODES:
        raise ValueError(f"{owner}: interpolation must be 'nearest' or 'bilinear', got {value!r}")
    return str(value)


def _resized(x: Value, h: int, w: int, interpolation: str) -> Value:
    for axis, size in ((1, h), (2, w)):
        if x.shape[axis] != size:
            x = ops.resize(x, size, axis, _MODES[interpolation])
    return x


class UpSampling2D(Layer):
    """Images with each pixel repeated, or interpolated, `size` times along h and w.

    Shapes: (batch, h, w, c) → (batch, h·size[0], w·size[1], c).

    Args:
        size: factors for h and w, or one integer for both.
        data_format: None or ``"channels_last"``.
        interpolation: ``"nearest"`` or ``"bilinear"``.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than images.

    ONNX: Resize.

    >>> from edgenet import Input
    >>> UpSampling2D(2)(Input((8, 8, 16))).shape
    (None, 16, 16, 16)
    """

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.size = pair("UpSampling2D", "size", size)
        self.data_format = channels_last("UpSampling2D", data_format)
        self.interpolation = _interpolation("UpSampling2D", interpolation)

    def call(self, x: Value) -> Value:
        """Emit resize along h and w."""
        image_channels(x.shape)
        return _resized(x, x.shape[1] * self.size[0], x.shape[2] * self.size[1], self.interpolation)


class Resizing(Layer):
    """Images of another size; the aspect ratio is not kept.

    Output pixel p lies at place (p + ½)·h / height - ½ of the image; shrinking does not smooth.

    Shapes: (batch, h, w, c) → (batch, height, width, c).

    Args:
        height: rows of the result.
        width: columns of the result.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        crop_to_aspect_ratio: False.
        data_format: None or ``"channels_last"``.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range, or that are not supported.
        ShapeError: when called on something else than images.

    ONNX: Resize, or Gather for the nearest pixel of a fraction.

    >>> from edgenet import Input
    >>> Resizing(32, 48)(Input((20, 20, 3))).shape
    (None, 32, 48, 3)
    """

    def __init__(
        self, height: int, width: int, interpolation: str = "bilinear", crop_to_aspect_ratio: bool = False,
        data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height, self.width = integer("Resizing", "height", height), integer("Resizing", "width", width)
        self.interpolation = _interpolation("Resizing", interpolation)
        if crop_to_aspect_ratio:
            raise ValueError("Resizing: crop_to_aspect_ratio=True is not supported; put a Cropping2D in front")
        self.crop_to_aspect_ratio = False
        self.data_format = channels_last("Resizing", data_format)

    def call(self, x: Value) -> Value:
        """Emit resize along h and w."""
        image_channels(x.shape)
        return _resized(x, self.height, self.width, self.interpolation)


class Cropping2D(Layer):
    """Images without some rows and columns at their edges.

    Shapes: (batch, h, w, c) → (batch, h - top - bottom, w - left - right, c).

    Args:
        cropping: one integer for all sides, (rows, columns), or ((top, bottom), (left, right)).
        data_format: None or ``"channels_last"``.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for arguments out of range.
        ShapeError: when called on something else than images, or where nothing would be left.

    ONNX: Slice.

    >>> from edgenet import Input
    >>> Cropping2D(((2, 1), (0, 3)))(Input((28, 28, 3))).shape
    (None, 25, 25, 3)
    """

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cropping: Pads = sides("Cropping2D", "cropping", cropping)
        self.data_format = channels_last("Cropping2D", data_format)

    def call(self, x: Value) -> Value:
        """Emit slice."""
        image_channels(x.shape)
        (top, bottom), (left, right) = self.cropping
        _, h, w, _ = x.shape
        if h <= top + bottom or w <= left + right:
            raise ShapeError(f"cropping={self.cropping} leaves nothing of images of shape {x.shape}")
        return ops.slice_(x, (None, top, left, None), (None, h - bottom, w - right, None))
