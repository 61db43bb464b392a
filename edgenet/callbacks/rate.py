"""Changing the learning rate while training; nothing is compiled again."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from .callback import Callback, Logs
from .watch import Watch


class LearningRateScheduler(Callback):
    """Set the learning rate of each epoch to ``schedule(epoch, present_rate)``, or ``schedule(epoch)``.

    >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose
        self.takes = min(2, len(inspect.signature(schedule).parameters))

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        optimizer = self.model.optimizer
        optimizer.learning_rate = self.schedule(*(epoch, optimizer.learning_rate)[: self.takes])
        if self.verbose:
            print(f"Epoch {epoch + 1}: setting the learning rate to {optimizer.learning_rate:g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the rate to the figures."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class ReduceLROnPlateau(Callback):
    """Multiply the learning rate by `factor` once a figure has not got better for `patience` epochs.

    Args:
        monitor: the figure.
        factor: below 1.
        patience: epochs to wait.
        verbose: 1 to say so.
        mode: ``"min"``, ``"max"``, or ``"auto"`` after the name.
        min_delta: what counts as better.
        cooldown: epochs after a change in which none is counted.
        min_lr: the rate goes no lower.
    """

    def __init__(
        self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10, verbose: int = 0,
        mode: str = "auto", min_delta: float = 1e-4, cooldown: int = 0, min_lr: float = 0.0,
    ) -> None:  # fmt: skip
        if not 0 < factor < 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be between 0 and 1, got {factor}")
        self.arguments = (monitor, mode, min_delta)
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.wait = self.cooling = 0
        self.watch = Watch(*self.arguments)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget an earlier run."""
        self.watch, self.wait, self.cooling = Watch(*self.arguments), 0, 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare, and lower the rate where it is time."""
        optimizer = self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = optimizer.learning_rate
        value = self.watch.value(logs, "ReduceLROnPlateau")
        if value is None:
            return
        if self.cooling:
            self.cooling, self.wait = self.cooling - 1, 0
        if self.watch.improved(value):
            self.wait = 0
            return
        if self.cooling:
            return
        self.wait += 1
        if self.wait >= self.patience and optimizer.learning_rate > self.min_lr:
            optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
            self.cooling, self.wait = self.cooldown, 0
            if self.verbose:
                print(f"Epoch {epoch + 1}: reducing the learning rate to {optimizer.learning_rate:g}")
