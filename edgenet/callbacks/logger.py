"""Writing the figures of every epoch to a file of text."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from .callback import Callback, Logs


class CSVLogger(Callback):
    """Write a line for each epoch: its number and the figures, under a line of their names.

    The names are those of the first epoch.  If it has no validation, columns ``val_…`` are there for one that may come
    later; a figure that an epoch has not is NA.

    Args:
        filename: where to.
        separator: what stands between two figures.
        append: whether lines are added to a file that exists; else it is begun anew.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = Path(filename), separator, append
        self.names: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin the file, or read the names of the one that goes on."""
        self.names = None
        if self.append and self.filename.exists() and self.filename.stat().st_size:
            with self.filename.open(newline="", encoding="utf-8") as file:
                self.names = next(csv.reader(file, delimiter=self.separator))[1:]
        elif not self.append:
            self.filename.write_text("")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a line."""
        logs = logs or {}
        with self.filename.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator, lineterminator="\n")
            if self.names is None:
                self.names = sorted(logs)
                if not any(n.startswith("val_") for n in logs):
                    self.names += [f"val_{n}" for n in self.names]
                writer.writerow(["epoch", *self.names])
            writer.writerow([epoch, *(logs.get(n, "NA") for n in self.names)])
