"""What `fit` returns."""

from __future__ import annotations

from typing import Any

from .callback import Callback, Logs


class History(Callback):
    """The figures of every epoch: ``history.history["val_loss"]`` is a list, ``history.epoch`` the epochs' numbers."""

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.params: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append the figures."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def __repr__(self) -> str:
        last = ", ".join(f"{n}: {v[-1]:.4g}" for n, v in self.history.items())
        return f"<History of {len(self.epoch)} epochs{'; ' + last if last else ''}>"
