"""Callbacks made of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .callback import Callback

Function = Callable[..., Any]


class LambdaCallback(Callback):
    """Calls functions, which take what the methods of `Callback` of the same names take.

    Args:
        on_epoch_begin: function of (epoch, logs).
        on_epoch_end: function of (epoch, logs).
        on_train_begin: function of (logs).
        on_train_end: function of (logs).
        on_train_batch_begin: function of (batch, logs).
        on_train_batch_end: function of (batch, logs).
        others: the further methods of `Callback`.

    Raises:
        TypeError: for a name that is no method of `Callback`, or something that is no function.

    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch)).on_epoch_end(3, {})
    3
    """

    def __init__(
        self, on_epoch_begin: Function | None = None, on_epoch_end: Function | None = None,
        on_train_begin: Function | None = None, on_train_end: Function | None = None,
        on_train_batch_begin: Function | None = None, on_train_batch_end: Function | None = None, **others: Any,
    ) -> None:  # fmt: skip
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **others,
        }
        for name, function in given.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                known = ", ".join(n for n in vars(Callback) if n.startswith("on_"))
                raise TypeError(f"LambdaCallback: there is no {name!r}, only {known}")
            if function is not None:
                if not callable(function):
                    raise TypeError(f"LambdaCallback: {name} must be a function, got {function!r}")
                setattr(self, name, function)
