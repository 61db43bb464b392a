"""Layers that change training images at random; in inference, and in files, they do nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import Value
from edgenet.ops.affine import FILLS, INTERPOLATIONS

from .arguments import channels_last, image_channels
from .regularization import _Random

Range = tuple[float, float]


def _range(owner: str, name: str, value: Any, least: float = -float("inf"), most: float = float("inf")) -> Range:
    """A factor f as (-f, f), or the pair that was given."""
    low, high = value if isinstance(value, list | tuple) and len(value) == 2 else (_negative(value), value)
    if any(isinstance(v, bool) or not isinstance(v, int | float | np.number) for v in (low, high)):
        raise ValueError(f"{owner}: {name} must be a number or a pair (lowest, highest), got {value!r}")
    if not least <= low <= high <= most:
        raise ValueError(f"{owner}: {name} must go from low to high within [{least}, {most}], got {value!r}")
    return float(low), float(high)


def _negative(value: Any) -> Any:
    return -value if isinstance(value, int | float | np.number) and not isinstance(value, bool) else value


class _Mapped(_Random):
    """What all share whose result takes each pixel from elsewhere in the image."""

    def _settle(self, fill_mode: str, interpolation: str, seed: Any, fill_value: float, data_format: Any) -> None:
        kind = type(self).__name__
        if fill_mode not in FILLS:
            raise ValueError(f"{kind}: fill_mode must be one of {', '.join(FILLS)}, got {fill_mode!r}")
        if interpolation not in INTERPOLATIONS:
            raise ValueError(f"{kind}: interpolation must be one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}")
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, float(fill_value)
        self.data_format = channels_last(kind, data_format)
        self._set_seed(seed)

    def _ranges(self) -> dict[str, Any]:
        """What is drawn, as `edgenet.ops.random_affine` takes it."""
        raise NotImplementedError

    def call(self, x: Value, training: bool = False) -> Value:
        """Emit random_affine and affine in training, nothing in inference."""
        image_channels(x.shape)
        if not training:
            return x
        counter, seed = self._source(x)
        maps = ops.random_affine(counter, x.shape, seed=seed, **self._ranges())
        return ops.affine(x, maps, interpolation=self.interpolation, fill=self.fill_mode, value=self.fill_value)


class RandomFlip(_Mapped):
    """In training, images mirrored at random, each with probability ½ along each axis of `mode`.

    Args:
        mode: ``"horizontal"`` (left and right), ``"vertical"``, or ``"horizontal_and_vertical"``.
        seed: makes what is drawn repeatable; None draws one.
        data_format: None or ``"channels_last"``.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for another mode.
        ShapeError: when called on something else than images.

    ONNX: nothing, as a model is written for inference.

    >>> from edgenet import Input
    >>> RandomFlip("horizontal")(Input((32, 32, 3))).shape
    (None, 32, 32, 3)
    """

    def __init__(
        self, mode: str = "horizontal_and_vertical", seed: int | None = None, data_format: str | None = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if mode not in ("horizontal", "vertical", "horizontal_and_vertical"):
            raise ValueError(
                f"RandomFlip: mode must be 'horizontal', 'vertical' or 'horizontal_and_vertical', got {mode!r}"
            )
        self.mode = mode
        self._settle("nearest", "nearest", seed, 0.0, data_format)

    def _ranges(self) -> dict[str, Any]:
        return {"flip": ("horizontal" in self.mode, "vertical" in self.mode)}


class RandomTranslation(_Mapped):
    """In training, images shifted at random.

    Args:
        height_factor: largest shift, up or down, as a share of the height; or (lowest, highest), above 0 downwards.
        width_factor: the same to the left and, above 0, to the right.
        fill_mode: what comes in at the edges: ``"reflect"``, ``"constant"``, ``"wrap"`` or ``"nearest"``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: makes what is drawn repeatable; None draws one.
        fill_value: what comes in with ``fill_mode="constant"``.
        data_format: None or ``"channels_last"``.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for factors outside of [-1, 1], or modes that are not known.
        ShapeError: when called on something else than images.

    ONNX: nothing, as a model is written for inference.

    >>> from edgenet import Input
    >>> RandomTranslation(0.1, 0.1)(Input((32, 32, 3))).shape
    (None, 32, 32, 3)
    """

    def __init__(
        self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: int | None = None, fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height_factor = _range("RandomTranslation", "height_factor", height_factor, -1, 1)
        self.width_factor = _range("RandomTranslation", "width_factor", width_factor, -1, 1)
        self._settle(fill_mode, interpolation, seed, fill_value, data_format)

    def _ranges(self) -> dict[str, Any]:
        return {"y_shift": self.height_factor, "x_shift": self.width_factor}


class RandomRotation(_Mapped):
    """In training, images turned at random about their middle.

    Args:
        factor: largest turn either way, as a share of a full turn; or (lowest, highest), above 0 against the clock.
        fill_mode: what comes in at the edges: ``"reflect"``, ``"constant"``, ``"wrap"`` or ``"nearest"``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: makes what is drawn repeatable; None draws one.
        fill_value: what comes in with ``fill_mode="constant"``.
        data_format: None or ``"channels_last"``.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for factors that are no numbers, or modes that are not known.
        ShapeError: when called on something else than images.

    ONNX: nothing, as a model is written for inference.

    >>> from edgenet import Input
    >>> RandomRotation(0.1)(Input((32, 32, 3))).shape
    (None, 32, 32, 3)
    """

    def __init__(
        self, factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear", seed: int | None = None,
        fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.factor = _range("RandomRotation", "factor", factor)
        self._settle(fill_mode, interpolation, seed, fill_value, data_format)

    def _ranges(self) -> dict[str, Any]:
        return {"turn": self.factor}


class RandomZoom(_Mapped):
    """In training, images zoomed at random about their middle.

    Args:
        height_factor: largest zoom either way, as a share; or (lowest, highest), above 0 to show more of the image.
        width_factor: the same along the width; None keeps the aspect ratio.
        fill_mode: what comes in at the edges: ``"reflect"``, ``"constant"``, ``"wrap"`` or ``"nearest"``.
        interpolation: ``"bilinear"`` or ``"nearest"``.
        seed: makes what is drawn repeatable; None draws one.
        fill_value: what comes in with ``fill_mode="constant"``.
        data_format: None or ``"channels_last"``.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for factors below -1, or modes that are not known.
        ShapeError: when called on something else than images.

    ONNX: nothing, as a model is written for inference.

    >>> from edgenet import Input
    >>> RandomZoom((-0.2, 0.0))(Input((32, 32, 3))).shape
    (None, 32, 32, 3)
    """

    def __init__(
        self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect", interpolation: str = "bilinear",
        seed: int | None = None, fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        self.height_factor = _range("RandomZoom", "height_factor", height_factor, -1)
        self.width_factor = None if width_factor is None else _range("RandomZoom", "width_factor", width_factor, -1)
        self._settle(fill_mode, interpolation, seed, fill_value, data_format)

    def _ranges(self) -> dict[str, Any]:
        return {"y_zoom": self.height_factor, "x_zoom": self.width_factor}


class RandomContrast(_Random):
    """In training, y = (x - mean)·f + mean with the mean of each channel of an image and an f drawn for each image.

    Args:
        factor: f is drawn from [1 - factor, 1 + factor), or for (a, b) from [1 - a, 1 + b).
        value_range: the result is cut to this range.
        seed: makes what is drawn repeatable; None draws one.
        kwargs: ``name``, ``trainable``, ``dtype``; ``input_shape`` in a first layer.

    Raises:
        ValueError: for factors outside of [0, 1], or a range that is none.
        ShapeError: when called on something else than images.

    ONNX: nothing, as a model is written for inference.

    >>> from edgenet import Input
    >>> RandomContrast(0.2, value_range=(0, 1))(Input((32, 32, 3))).shape
    (None, 32, 32, 3)
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        pair = factor if isinstance(factor, list | tuple) else (factor, factor)
        if len(pair) != 2 or not all(isinstance(v, int | float) and 0 <= v <= 1 for v in pair):
            raise ValueError(f"RandomContrast: factor must be from 0 to 1, or a pair of such numbers, got {factor!r}")
        self.factor = (float(pair[0]), float(pair[1]))
        low, high = value_range
        if not low < high:
            raise ValueError(f"RandomContrast: value_range must be (lowest, highest), got {value_range!r}")
        self.value_range = (float(low), float(high))
        self._set_seed(seed)

    def call(self, x: Value, training: bool = False) -> Value:
        """Emit what it takes in training, nothing in inference."""
        image_channels(x.shape)
        if not training:
            return x
        counter, seed = self._source(x)
        a, b = self.factor
        factor = ops.random_uniform(counter, (x.shape[0], 1, 1, 1), 1 - a, 1 + b, seed=seed)
        mean = ops.mean(x, (1, 2), True)
        return ops.clip((x - mean) * factor + mean, *self.value_range)
