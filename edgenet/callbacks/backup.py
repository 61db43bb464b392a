"""Going on after an interruption."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .callback import Callback, Logs

FILE = "training.edgenet"


class BackupAndRestore(Callback):
    """Save the state of training as it goes, and go on from it when `fit` is called again after an interruption.

    Weights, the state of the optimizer and the number of the epoch are kept in one file, which is replaced in one
    piece: an interruption while it is written leaves the one before.

    Args:
        backup_dir: folder of the file; no two trainings may share it.
        save_freq: ``"epoch"``, or a number of batches; training goes on at the begin of an epoch in either case.
        double_checkpoint: for the name's sake; the file is never left half written.
        delete_checkpoint: whether the file is removed once training has reached its end.

    Raises:
        ValueError: for another save_freq, or if the model does not fit the file.
    """

    def __init__(
        self, backup_dir: str | os.PathLike[str], save_freq: str | int = "epoch", double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:  # fmt: skip
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise ValueError(f"BackupAndRestore: save_freq must be 'epoch' or a number of batches, got {save_freq!r}")
        self.backup_dir, self.save_freq = Path(backup_dir), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self.epoch = self.batches = 0

    @property
    def path(self) -> Path:
        """The file."""
        return self.backup_dir / FILE

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Take up the training that was interrupted."""
        self.epoch = self.batches = 0
        if self.path.exists():
            self.epoch = int(self.model.load_training(self.path)["epoch"])
            self.model._resume_epoch = self.epoch

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save after so many batches."""
        self.batches += 1
        if self.save_freq != "epoch" and self.batches % int(self.save_freq) == 0:
            self._save(self.epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after the epoch."""
        if self.save_freq == "epoch":
            self._save(epoch + 1)

    def _save(self, epoch: int) -> None:
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        self.model.save_training(self.path, {"epoch": epoch})

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Remove the file, and the folder if nothing else is in it."""
        if self.delete_checkpoint:
            self.path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.backup_dir.rmdir()
