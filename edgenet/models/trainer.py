"""fit, evaluate, predict: from arrays to programs and back.

`fit` calls one program a batch, which holds forward pass, loss, gradients and update.  Around it a batch costs a gather
of the samples straight into the program's inputs and a few additions.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgenet.callbacks import CallbackList, History, Progress
from edgenet.callbacks.progress import resolve, tell_compiling
from edgenet.kernels.compiler import announcing
from edgenet.utils import random

from .arguments import read, validation
from .data import Data, split
from .engine import Engine
from .keywords import public
from .programs import Total


class Trainer(Engine):
    """The part of a Model that runs its programs over samples."""

    stop_training = False
    history: History
    _shuffle: tuple[int, int] | None = None
    """seed of the order of samples, and how often the library had been seeded when it was drawn"""

    @public
    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1,
        verbose: str | int = "auto", callbacks: Sequence[Any] | None = None, validation_split: float = 0.0,
        validation_data: Any = None, shuffle: bool = True, class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
        validation_steps: int | None = None, validation_batch_size: int | None = None, validation_freq: int = 1,
    ) -> History:  # fmt: skip
        """Train.

        Args:
            x: samples, or a list or dictionary of arrays for several inputs; any dtype of numbers, converted batch by
                batch.
            y: targets.
            batch_size: samples a step, 32 by default; the last step of an epoch takes what is left.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 a bar, 2 a line an epoch, ``"auto"`` 1 on a terminal and else 2.
            callbacks: `edgenet.callbacks` objects, or one of them.
            validation_split: share of the samples, the last ones, that is kept for validation.
            validation_data: (x, y) or (x, y, sample_weight) for validation.
            shuffle: whether each epoch takes the samples in another order; `edgenet.utils.set_random_seed` makes it
                reproducible.
            class_weight: factor of the loss for each label.
            sample_weight: factor of the loss for each sample; for several outputs perhaps a list or dictionary of them.
            initial_epoch: number of the first epoch.
            steps_per_epoch: not there; must be None.
            validation_steps: not there; must be None.
            validation_batch_size: `batch_size` by default.
            validation_freq: epochs between validations.

        Returns:
            the figures of every epoch, averaged over its samples: ``history.history["loss"]``, ``["val_loss"]``, ….

        Raises:
            ValueError, ShapeError, TypeError: if the model is not compiled or the arrays do not fit it.
        """
        if steps_per_epoch is not None or validation_steps is not None:
            raise NotImplementedError(f"{self.name}.fit: an epoch goes over all samples; pass fewer of them instead")
        batch = _positive("batch_size", 32 if batch_size is None else batch_size)
        first_epoch = _positive("initial_epoch", initial_epoch, least=0)
        epochs = _positive("epochs", epochs, least=0)
        validation_freq = _positive("validation_freq", validation_freq)
        val_batch = _positive("validation_batch_size", validation_batch_size or batch)
        style = resolve(verbose)
        train = read(self, x, y, sample_weight, class_weight, "fit")
        self._check_frozen()
        held: Data | None = None
        if validation_data is not None:
            held = validation(self, validation_data)
        elif validation_split:
            train, held = split(train, validation_split)
        if held is not None and class_weight is not None and validation_data is None:
            held = Data(held.x, held.y)  # as in Keras, class weights are for training alone
        history = History()
        params = {"epochs": epochs, "steps": -(-len(train) // batch), "verbose": style}
        heard = CallbackList([*_listed(callbacks), history], self, params)
        self.stop_training = False
        heard.call("on_train_begin", {})
        logs: dict[str, float] = {}
        for epoch in range(first_epoch, epochs):
            heard.call("on_epoch_begin", epoch, {})
            validate = held if held is not None and (epoch + 1 - first_epoch) % validation_freq == 0 else None
            title = f"Epoch {epoch + 1}/{epochs}"
            with announcing(tell_compiling) if style else contextlib.nullcontext():
                logs = self._epoch(train, validate, batch, val_batch, shuffle, heard, style, title)
            heard.call("on_epoch_end", epoch, logs)
            if self.stop_training:
                break
        heard.call("on_train_end", logs)
        self.history = history
        return history

    def _epoch(
        self, train: Data, held: Data | None, batch: int, val_batch: int, shuffle: bool, heard: CallbackList,
        style: int, title: str,
    ) -> dict[str, float]:  # fmt: skip
        progress = Progress(style, title, -(-len(train) // batch))
        try:
            order = self._order(len(train)) if shuffle else None
            logs = self._sweep("train", train, batch, order, heard, progress)
            progress.trained(logs)
            if held is not None:
                heard.call("on_test_begin", {})
                found = self._sweep("test", held, val_batch)
                heard.call("on_test_end", found)
                logs.update((f"val_{n}", v) for n, v in found.items())
        except BaseException:
            progress.abandon()
            raise
        progress.close(logs)
        return logs

    def _order(self, n: int) -> np.ndarray:
        """The order of an epoch: it follows from the model's seed and the steps taken, so a saved model keeps it."""
        if self._shuffle is None or self._shuffle[1] != random.times_seeded():
            self._shuffle = (random.new_seed(), random.times_seeded())
        return np.random.default_rng([self._shuffle[0], int(self.optimizer.iterations.array[0])]).permutation(n)

    def _sweep(
        self, kind: str, data: Data, batch: int, order: np.ndarray | None = None, heard: CallbackList | None = None,
        progress: Progress | None = None,
    ) -> dict[str, float]:  # fmt: skip
        """Run the program over all samples; returns the averages of its outputs."""
        n, due = len(data), progress.due if progress else float("inf")
        batch = min(batch, n)
        runner = self._runner(kind, batch, data)
        total, feeds = Total(runner), runner.feeds(data)
        begins, ends = (heard.batch_begin, heard.batch_end) if heard else ([], [])
        for step, first in enumerate(range(0, n, batch)):
            size = min(batch, n - first)
            if size != batch:
                runner = self._runner(kind, size, data)
                feeds = runner.feeds(data)
            for begin in begins:
                begin(step, {})
            with runner.lock:
                if order is None:
                    for feed in feeds:
                        feed.span(first, first + size)
                else:
                    rows = order[first : first + size]
                    for feed in feeds:
                        feed.pick(rows)
                runner.program.execute()
                total.add(runner.program.outputs, size)
            if progress is not None:
                progress.count = step + 1
            if ends:
                logs = total.logs()
                for end in ends:
                    end(step, logs)
                if self.stop_training:
                    break
            if progress is not None and time.perf_counter() >= due:
                progress.show(step + 1, total.logs())
                due = progress.due
        return total.logs()

    @public
    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: str | int = "auto",
        sample_weight: Any = None, callbacks: Sequence[Any] | None = None, return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """Loss and metrics over all samples: a number, a list in the order of `metrics_names`, or a dictionary.

        Raises:
            ValueError, ShapeError, TypeError: if the model is not compiled or the arrays do not fit it.
        """
        batch = _positive("batch_size", 32 if batch_size is None else batch_size)
        data = read(self, x, y, sample_weight, None, "evaluate")
        progress = Progress(resolve(verbose), "Evaluate", -(-len(data) // batch))
        heard = CallbackList(_listed(callbacks), self, {})
        try:
            heard.call("on_test_begin", {})
            logs = self._sweep("test", data, batch, progress=progress)
            heard.call("on_test_end", logs)
        except BaseException:
            progress.abandon()
            raise
        progress.close(logs)
        return _returned(logs, return_dict)

    @public
    def predict(
        self, x: Any, batch_size: int | None = None, verbose: str | int = "auto",
        steps: int | None = None, callbacks: Sequence[Any] | None = None,
    ) -> Any:  # fmt: skip
        """The outputs for all samples, as one array or a list of them.

        Args:
            x: samples; any dtype of numbers.
            batch_size: samples a run, 32 by default.
            verbose: 1 for a bar; ``"auto"`` and 0 are silent.
            steps: not there; must be None.
            callbacks: `edgenet.callbacks` objects.

        Raises:
            ShapeError: if `x` does not fit the model.
        """
        if steps is not None:
            raise NotImplementedError(f"{self.name}.predict: all samples are predicted; pass fewer of them instead")
        batch = _positive("batch_size", 32 if batch_size is None else batch_size)
        data = read(self, x, None, None, None, "predict")
        n = len(data)
        batch = min(batch, n)
        progress = Progress(0 if verbose == "auto" else resolve(verbose), "Predict", -(-n // batch))
        heard = CallbackList(_listed(callbacks), self, {})
        heard.call("on_predict_begin", {})
        results: list[np.ndarray] = []
        runner = self._runner("predict", batch)
        feeds = runner.feeds(data)
        for step, first in enumerate(range(0, n, batch)):
            size = min(batch, n - first)
            if size != batch:
                runner = self._runner("predict", size)
                feeds = runner.feeds(data)
            with runner.lock:
                for feed in feeds:
                    feed.span(first, first + size)
                runner.program.execute()
                if not results:
                    results = [np.empty((n, *y.shape[1:]), y.dtype) for y in runner.program.outputs]
                for result, y in zip(results, runner.program.outputs, strict=True):
                    result[first : first + size] = y
            progress.count = step + 1
            if time.perf_counter() >= progress.due:
                progress.show(step + 1, {})
        progress.trained({})
        heard.call("on_predict_end", {})
        progress.close({})
        return results if self._nested_outputs else results[0]

    # one batch -------------------------------------------------------------------------------------------------------

    @public
    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """One training step on all of `x`; returns loss and metrics before it, like `evaluate`."""
        data = read(self, x, y, sample_weight, class_weight, "train_on_batch")
        return _returned(self._sweep("train", data, len(data)), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch, like `evaluate`."""
        data = read(self, x, y, sample_weight, None, "test_on_batch")
        return _returned(self._sweep("test", data, len(data)), return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs of one batch; the shortest way from an array to its answer."""
        if self.built and isinstance(x, np.ndarray) and len(x.shape) and len(x) and x.dtype.kind in "fiub":
            inputs = self.inputs
            if len(inputs) == 1 and x.shape[1:] == inputs[0].shape[1:]:
                runner = self._runner("predict", len(x))
                with runner.lock:
                    outputs = runner.program.run(x)
                return outputs if self._nested_outputs else outputs[0]
        data = read(self, x, None, None, None, "predict_on_batch")
        return self.predict(x, batch_size=len(data), verbose=0)


def _positive(name: str, value: Any, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        wanted = "a positive integer" if least else "an integer of at least 0"
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    return int(value)


def _listed(callbacks: Any) -> list[Any]:
    return [] if callbacks is None else list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def _returned(logs: dict[str, float], as_dict: bool) -> Any:
    values = list(logs.values())
    return logs if as_dict else values[0] if len(values) == 1 else values
