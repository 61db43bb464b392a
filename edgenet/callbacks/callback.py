"""The base of all callbacks, and a list of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Logs = dict[str, float]


class Callback:
    """Override what you need; ``self.model`` and ``self.params`` (epochs, steps, verbose) are set by `fit`.

    `logs` holds the averages so far: ``loss`` and the metrics, and at the end of an epoch those of the validation,
    ``val_…``.  ``self.model.stop_training = True`` ends training after the batch or epoch.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"EPOCH {epoch}!")
    >>> CallbackList([Shout()]).call("on_epoch_end", 3, {})
    EPOCH 3!
    """

    model: Any = None
    params: dict[str, Any]

    def set_model(self, model: Any) -> None:
        """Remember the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Remember the arguments of `fit`."""
        self.params = params

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch; the first is 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training step."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training step."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of a prediction."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of a prediction."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After a prediction."""


class CallbackList:
    """Calls callbacks in order; knows which of them want to hear of batches."""

    def __init__(self, callbacks: Iterable[Any], model: Any = None, params: dict[str, Any] | None = None) -> None:
        self.callbacks = list(callbacks)
        for c in self.callbacks:
            if isinstance(c, type):
                raise TypeError(f"callbacks: expected an object, got the class {c.__name__}: write {c.__name__}(…)")
            if not callable(getattr(c, "on_epoch_end", None)):
                raise TypeError(f"callbacks: expected Callback objects, got {c!r}")
            c.set_params(params or {})
            c.set_model(model)

    def hearing(self, kind: str) -> tuple[list[Callable[..., Any]], list[Callable[..., Any]]]:
        """Who wants to hear of the begin and of the end of a batch of ``"train"``, ``"test"`` or ``"predict"``."""
        return self._overridden(f"on_{kind}_batch_begin"), self._overridden(f"on_{kind}_batch_end")

    def _overridden(self, name: str) -> list[Callable[..., Any]]:
        """The methods that are overridden: a batch is too short for empty calls."""
        methods = [getattr(c, name) for c in self.callbacks]
        return [m for m in methods if getattr(m, "__func__", m) is not getattr(Callback, name)]

    def call(self, name: str, *args: Any) -> None:
        """Call a method of all callbacks."""
        for c in self.callbacks:
            getattr(c, name)(*args)
