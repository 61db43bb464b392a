"""Saving while training."""

from __future__ import annotations

import os
from importlib.util import find_spec

from .callback import Callback, Logs
from .watch import Watch


class ModelCheckpoint(Callback):
    """Save the model after each epoch, or after those that are the best so far.

    Args:
        filepath: where to; may name the epoch and figures, as in ``"{epoch:02d}-{val_loss:.2f}.edgenet"``.
        monitor: the figure that decides what is best.
        verbose: 1 to say so.
        save_best_only: whether only a better epoch is saved.
        save_weights_only: whether the weights alone are saved.
        mode: ``"min"``, ``"max"``, or ``"auto"`` after the name.
        save_freq: ``"epoch"``, or a number of batches after each of which the model is saved.
        initial_value_threshold: the figure to beat at first.
    """

    def __init__(
        self, filepath: str | os.PathLike[str], monitor: str = "val_loss", verbose: int = 0,
        save_best_only: bool = False, save_weights_only: bool = False, mode: str = "auto",
        save_freq: str | int = "epoch", initial_value_threshold: float | None = None,
    ) -> None:  # fmt: skip
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise ValueError(f"ModelCheckpoint: save_freq must be 'epoch' or a number of batches, got {save_freq!r}")
        self.filepath, self.verbose, self.save_freq = os.fspath(filepath), verbose, save_freq
        if self.filepath.lower().endswith((".keras", ".h5", ".hdf5")) and not _has_h5py():
            # rather now than after the first epoch
            raise ImportError(
                f'ModelCheckpoint: {self.filepath!r} needs the package h5py: pip install "edgenet[keras]"'
            )
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.watch = Watch(monitor, mode, 0.0, initial_value_threshold)
        self.epoch = self.batches = 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save after so many batches."""
        self.batches += 1
        if self.save_freq != "epoch" and self.batches % int(self.save_freq) == 0:
            self._save(logs, batch=batch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after the epoch."""
        self.epoch = epoch
        if self.save_freq == "epoch":
            self._save(logs)

    def _save(self, logs: Logs | None, **places: int) -> None:
        if self.save_best_only:
            value = self.watch.value(logs, "ModelCheckpoint")
            if value is None or not self.watch.improved(value):
                return
        try:
            path = self.filepath.format(epoch=self.epoch + 1, **places, **(logs or {}))
        except KeyError as error:
            known = ", ".join(["epoch", *places, *(logs or {})])
            raise KeyError(f"ModelCheckpoint: {self.filepath!r} names {error}, known are {known}") from None
        if self.verbose:
            print(f"Epoch {self.epoch + 1}: saving model to {path}")
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)


def _has_h5py() -> bool:
    try:
        return find_spec("h5py") is not None
    except ValueError:  # it was kept from being imported
        return False
