"""What constructors of layers take: checks, and the shorthand of Keras spelled out."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgenet.graph import ShapeError
from edgenet.utils.spelling import nearest

Pair = tuple[int, int]
Pads = tuple[Pair, Pair]

#: how older code calls arguments
FORMER = {
    "nb_filter": "filters", "nb_row": "kernel_size", "nb_col": "kernel_size", "filter_length": "kernel_size",
    "border_mode": "padding", "subsample": "strides", "subsample_length": "strides", "dim_ordering": "data_format",
    "atrous_rate": "dilation_rate", "init": "kernel_initializer", "bias": "use_bias", "W_regularizer":
    "kernel_regularizer", "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint", "b_constraint":
    "bias_constraint", "p": "rate", "pool_length": "pool_size", "stride": "strides", "sigma": "stddev",
}  # fmt: skip


def integer(owner: str, name: str, value: Any, least: int = 1) -> int:
    """`value` as an int.  Raises ValueError unless it is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise ValueError(f"{owner}: {name} must be an integer of at least {least}, got {value!r}")
    return int(value)


def pair(owner: str, name: str, value: Any, least: int = 1) -> Pair:
    """One integer, or two for h and w, as a pair.

    >>> pair("Conv2D", "strides", 2), pair("Conv2D", "kernel_size", [3, 5])
    ((2, 2), (3, 5))
    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        value = (value, value)
    if not isinstance(value, Sequence | np.ndarray) or isinstance(value, str) or len(value) != 2:
        raise ValueError(f"{owner}: {name} must be an integer or a pair of them, got {value!r}")
    h, w = (integer(owner, name, v, least) for v in value)
    return h, w


def single(owner: str, name: str, value: Any, least: int = 1) -> tuple[int]:
    """One integer, or a list of a single one, as a tuple of one.

    >>> single("Conv1D", "strides", 2), single("Conv1D", "kernel_size", [3])
    ((2,), (3,))
    """
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    return (integer(owner, name, value, least),)


def sides(owner: str, name: str, value: Any) -> Pads:
    """One integer for all sides, (rows, columns) or ((top, bottom), (left, right)) as the latter."""
    if isinstance(value, int | np.integer):
        value = (value, value)
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(
            f"{owner}: {name} must be an integer, a pair, or ((top, bottom), (left, right)), got {value!r}"
        )
    rows, columns = (pair(owner, name, p, least=0) for p in value)
    return rows, columns


def padding_mode(owner: str, value: Any) -> str:
    """``"valid"`` or ``"same"``.  Raises ValueError for anything else."""
    mode = value.lower() if isinstance(value, str) else value
    if mode not in ("valid", "same"):
        raise ValueError(f"{owner}: padding must be 'valid' or 'same', got {value!r}")
    return str(mode)


def channels_last(owner: str, data_format: Any) -> str:
    """``"channels_last"``.  Raises ValueError for another data format."""
    if data_format not in (None, "channels_last"):
        raise ValueError(
            f"{owner}: images are (batch, h, w, channels), data_format='channels_last'; got {data_format!r}: move the "
            f"channels to the last axis, e.g. with np.moveaxis(x, 1, -1)"
        )
    return "channels_last"


def one_axis(owner: str, axis: Any, batch: bool = False) -> int:
    """An axis, or a list of a single one, as an int.  Raises ValueError for more axes, and for 0 unless `batch`."""
    if isinstance(axis, list | tuple) and len(axis) == 1:
        axis = axis[0]
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer) or (axis == 0 and not batch):
        wanted = "one integer" if batch else "one integer other than 0, the batch"
        raise ValueError(f"{owner}: axis must be {wanted}, got {axis!r}")
    return int(axis)


def same_padding(size: Any, window: int, stride: int = 1, dilation: int = 1) -> Pair:
    """Zeros before and behind one axis for as many outputs as strides fit into `size`; the odd zero comes last.

    Source: TensorFlow, tf.nn, "Notes on padding".

    >>> same_padding(6, 3, 2), same_padding(7, 3, 2), same_padding(128, 7, 2)
    ((0, 1), (1, 1), (2, 3))
    """
    if not isinstance(size, int):
        raise ShapeError(f"padding='same' needs images of a known size, got {size!r}")
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def window_padding(mode: str, shape: Sequence[Any], window: Pair, strides: Pair, dilation: Pair = (1, 1)) -> Pads:
    """((top, bottom), (left, right)) for images of `shape` (n, h, w, c)."""
    if mode == "valid" or len(shape) != 4:
        return (0, 0), (0, 0)
    h, w = (same_padding(*args) for args in zip(shape[1:3], window, strides, dilation, strict=True))
    return h, w


def image_channels(shape: Sequence[Any]) -> int:
    """Channels of images (batch, h, w, channels).  Raises ShapeError for another shape."""
    if len(shape) != 4 or not isinstance(shape[-1], int):
        hint = ": a single channel is an axis of size 1, x[..., None]" if len(shape) == 3 else ""
        raise ShapeError(f"expected images of shape (batch, h, w, channels), got {tuple(shape)}{hint}")
    return shape[-1]


def well_spelled(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that takes the older names of its class (`Layer.former`), and says more where it cannot work.

    Where a required argument is missing and one with almost its name is given, Python would name the missing one alone.
    Where a shape or a size was refused that has no name, it may be meant as the shape of the input.
    """
    parameters = list(inspect.signature(init).parameters.values())
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    known = {p.name for p in parameters}

    @functools.wraps(init)
    def checked(self: Any, *args: Any, **kwargs: Any) -> None:
        kind = type(self).__name__
        for old, new in type(self).former.items():
            if old in kwargs and new in known and new not in kwargs:
                kwargs[new] = kwargs.pop(old)
        missing = [n for n in required[1 + len(args) :] if n not in kwargs]
        for given in [n for n in kwargs if missing and n not in known]:
            near = _meant(given, missing)
            if near:
                raise TypeError(f"{kind}: unknown argument {given!r}; did you mean {near}?")
        try:
            init(self, *args, **kwargs)
        except (TypeError, ValueError) as error:
            advice = _input_shape_advice(kind, args, str(error))
            if not advice:
                raise
            raise type(error)(f"{error}; {advice}") from None

    return checked


def _meant(given: str, known: Sequence[str]) -> str | None:
    """The argument that is meant by another name."""
    return FORMER[given] if FORMER.get(given) in known else nearest(given, known)


def _input_shape_advice(kind: str, args: Sequence[Any], error: str) -> str:
    """What to write if the last argument without a name, which led to the error, is the shape of the input."""
    if not args or "input_shape=" in error or not (repr(args[-1]) in error or "positional argument" in error):
        return ""
    sizes = args[-1] if isinstance(args[-1], tuple | list) else args[1:][-1:]  # a single number is a first argument
    if not sizes or not all(isinstance(d, int) and not isinstance(d, bool) and d > 0 for d in sizes):
        return ""
    shape = f"input_shape={tuple(sizes)}"
    return f"if that is the shape of the input, give it by name, {kind}(…, {shape}), or begin with Input({shape[12:]})"


def sequence_channels(shape: Sequence[Any]) -> int:
    """Channels of sequences (batch, steps, channels).  Raises ShapeError for another shape."""
    if len(shape) != 3 or not isinstance(shape[-1], int):
        hint = ": a single channel is an axis of size 1, x[..., None]" if len(shape) == 2 else ""
        raise ShapeError(f"expected sequences of shape (batch, steps, channels), got {tuple(shape)}{hint}")
    return shape[-1]


def legacy_input_shape(cls: type, given: dict[str, Any]) -> tuple[int, ...] | None:
    """The input shape, without the batch, of the keywords with which older Keras code gives it to a first layer.

    Raises:
        TypeError: if `given` holds any other keyword.
    """
    rest = dict(given)
    shape = rest.pop("input_shape", None)
    batched = rest.pop("batch_input_shape", rest.pop("batch_shape", None))
    dim = rest.pop("input_dim", None)
    if rest:
        known = [p.name for p in inspect.signature(cls).parameters.values() if p.kind is not p.VAR_KEYWORD]
        names = ", ".join(dict.fromkeys([*known, "name", "trainable", "dtype", "input_shape"]))
        unknown = ", ".join(map(repr, rest))
        meant = [near for name in rest if (near := _meant(name, names.split(", ")))]
        advice = f" (did you mean {', '.join(dict.fromkeys(meant))}?)" if meant else ""
        raise TypeError(f"{cls.__name__}: unknown argument {unknown}{advice}; it takes {names}")
    if dim is not None:
        shape = (dim,)
    elif batched is not None:
        shape = tuple(batched)[1:]
    if shape is None:
        return None
    if isinstance(shape, int):
        shape = (shape,)
    return tuple(integer(cls.__name__, "input_shape", d) for d in shape)
