"""Ending training early."""

from __future__ import annotations

import math
from typing import Any

from .callback import Callback, Logs
from .watch import Watch


class EarlyStopping(Callback):
    """Stop once a figure has not got better for `patience` epochs.

    Args:
        monitor: the figure.
        min_delta: what counts as better.
        patience: epochs to wait.
        verbose: 1 to say so.
        mode: ``"min"``, ``"max"``, or ``"auto"`` after the name.
        baseline: a figure that has to be beaten as well for waiting to begin anew.
        restore_best_weights: whether the model gets the weights of the best epoch back.
        start_from_epoch: epochs before watching begins.
    """

    def __init__(
        self, monitor: str = "val_loss", min_delta: float = 0, patience: int = 0, verbose: int = 0,
        mode: str = "auto", baseline: float | None = None, restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:  # fmt: skip
        self.arguments, self.baseline = (monitor, mode, min_delta), baseline
        self.patience, self.verbose, self.restore_best_weights = patience, verbose, restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.stopped_epoch = self.best_epoch = self.wait = 0
        self.watch = Watch(*self.arguments)
        self.best_weights: list[Any] | None = None

    @property
    def best(self) -> float:
        """The best value."""
        return self.watch.best

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier run."""
        self.watch = Watch(*self.arguments)
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and stop where it is time."""
        value = self.watch.value(logs, "EarlyStopping")
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.watch.improved(value):
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.watch.better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Give the best weights back."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class TerminateOnNaN(Callback):
    """Stop at the first loss that is NaN or infinite."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss", 0.0)
        if not math.isfinite(loss):
            print(f"Batch {batch}: invalid loss {loss}, terminating training")
            self.model.stop_training = True
