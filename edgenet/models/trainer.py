"""fit, evaluate, predict: from arrays to programs and back.

`fit` calls one program a batch, which holds forward pass, loss, gradients and update.  Around it a batch costs a gather
of the samples straight into the program's inputs and a few additions.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edgenet.callbacks import CallbackList, History, Progress
from edgenet.callbacks.progress import resolve, tell_compiling
from edgenet.kernels.compiler import announcing
from edgenet.utils import random
from edgenet.utils.warning import warn

from .arguments import read, validation
from .batches import Arrays, Piece, Source, Stream, is_batches, parts
from .data import Data, Feed, split
from .engine import Engine
from .keywords import public
from .programs import Runner, Total


class Trainer(Engine):
    """The part of a Model that runs its programs over samples."""

    stop_training = False
    _resume_epoch = 0
    """where a callback wants `fit` to begin"""
    history: History
    _shuffle: tuple[int, int] | None = None
    """seed of the order of samples, and how often the library had been seeded when it was drawn"""

    @public
    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1,
        verbose: str | int = "auto", callbacks: Sequence[Any] | None = None, validation_split: float = 0.0,
        validation_data: Any = None, shuffle: bool = True, class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
        validation_steps: int | None = None, validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> History:  # fmt: skip
        """Train.

        Args:
            x: samples, or a list or dictionary of arrays for several inputs; any dtype of numbers, converted batch by
                batch.  Or batches (x, y) or (x, y, sample_weight), from a generator, any other iterable (a data loader,
                a list of tuples), or an object with ``__len__`` and ``__getitem__``; then y, sample_weight and
                batch_size are not used.
            y: targets.
            batch_size: samples a step, 32 by default; the last step of an epoch takes what is left.
            epochs: the number of the last epoch.
            verbose: 0 silent, 1 a bar, 2 a line an epoch, ``"auto"`` 1 on a terminal and else 2.
            callbacks: `edgenet.callbacks` objects, or one of them.
            validation_split: share of the samples, the last ones, that is kept for validation.
            validation_data: (x, y) or (x, y, sample_weight) for validation, or batches of them as for x.
            shuffle: whether each epoch takes the samples (of an object with ``__getitem__``: the batches) in another
                order; `edgenet.utils.set_random_seed` makes it reproducible.
            class_weight: factor of the loss for each label.
            sample_weight: factor of the loss for each sample; for several outputs perhaps a list or dictionary of them.
            initial_epoch: number of the first epoch.
            steps_per_epoch: batches of an epoch; the next epoch goes on behind them.  By default an epoch takes all.
            validation_steps: batches of a validation, the first ones; all by default.
            validation_batch_size: `batch_size` by default.
            validation_freq: epochs between validations, or a list of the epochs (the first is 1) that end with one.

        Returns:
            the figures of every epoch, averaged over its samples: ``history.history["loss"]``, ``["val_loss"]``, ….

        Raises:
            ValueError, ShapeError, TypeError: if the model is not compiled or the arrays do not fit it.
        """
        style = resolve(verbose)
        batch = _positive("batch_size", 32 if batch_size is None else batch_size)
        first_epoch = _positive("initial_epoch", initial_epoch, least=0)
        epochs = _positive("epochs", epochs, least=0)
        val_batch = _positive("validation_batch_size", validation_batch_size or batch)
        steps, val_steps = (
            None if n is None else _positive(name, n)
            for name, n in (("steps_per_epoch", steps_per_epoch), ("validation_steps", validation_steps))
        )
        check = _validates(validation_freq)
        order = self._order if shuffle else None
        held: Source | None = None
        train: Source
        if is_batches(x, y):
            self._alone(y, sample_weight, validation_split, "fit")
            train = Stream(x, self._reader("fit", class_weight), steps, order)
        else:
            data = read(self, x, y, sample_weight, class_weight, "fit")
            if validation_split and validation_data is None:
                data, kept = split(data, validation_split)
                if class_weight is not None:
                    kept = Data(kept.x, kept.y)  # as in Keras, class weights are for training alone
                held = Arrays(kept, val_batch, val_steps, again=True)
            train = Arrays(data, batch, steps, order)
        if validation_data is not None:
            held = self._validation(validation_data, val_batch, val_steps)
        self._check_frozen()
        history = History()
        params = {"epochs": epochs, "steps": train.steps, "verbose": style}
        heard = CallbackList([*_listed(callbacks), history], self, params)
        self.stop_training = False
        self._resume_epoch = 0
        heard.call("on_train_begin", {})
        logs: dict[str, float] = {}
        try:
            for epoch in range(max(self._resume_epoch, first_epoch), epochs):
                heard.call("on_epoch_begin", epoch, {})
                validate = held if check(epoch + 1) else None
                title = f"Epoch {epoch + 1}/{epochs}"
                with announcing(tell_compiling) if style else contextlib.nullcontext():
                    found = self._epoch(train, validate, heard, style, title, not history.epoch)
                if not found:
                    break
                logs = found
                heard.call("on_epoch_end", epoch, logs)
                if self.stop_training:
                    break
        finally:
            if self._theta is not None:
                self.optimizer.finalize_variable_values(self._trained)
        heard.call("on_train_end", logs)
        self.history = history
        return history

    def _alone(self, y: Any, sample_weight: Any, validation_split: float, what: str) -> None:
        """Raise ValueError for arguments that batches bring with them."""
        self._compiled(what)
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"{self.name}.{what}: x gives batches (x, y) or (x, y, sample_weight) itself: leave y and "
                "sample_weight out"
            )
        if validation_split:
            raise ValueError(
                f"{self.name}.{what}: validation_split cuts arrays, and x gives batches: use validation_data"
            )

    def _reader(self, what: str, class_weight: Mapping[int, float] | None = None) -> Callable[[Any], Data]:
        """What makes samples of a batch that an iterable gave."""

        def make(batch: Any) -> Data:
            x, y, weight = parts(batch, f"{self.name}.{what}")
            return read(self, x, y, weight, class_weight, what)

        return make

    def _validation(self, given: Any, batch: int, steps: int | None) -> Source:
        if is_batches(given, None):
            return Stream(given, self._reader("fit (validation_data)"), steps, again=True)
        return Arrays(validation(self, given), batch, steps, again=True)

    def _epoch(
        self, train: Source, held: Source | None, heard: CallbackList, style: int, title: str, first: bool
    ) -> dict[str, float]:
        """One epoch; its figures are empty if there were no batches any more."""
        progress = Progress(style, title, train.steps)
        try:
            logs = self._sweep("train", train, heard, progress)
            if not logs:
                told = f"{self.name}.fit: x gave no batches"
                if first:
                    raise ValueError(told)
                warn(
                    f"{told} in {title}, so training ends: a generator can be gone through once; give steps_per_epoch, "
                    "or an object that can be iterated anew"
                )
                progress.abandon()
                return {}
            progress.trained(logs)
            if held is not None:
                heard.call("on_test_begin", {})
                found = self._sweep("test", held, heard)
                if not found:
                    raise ValueError(f"{self.name}.fit: validation_data gave no batches in {title}")
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
        self, kind: str, source: Source, heard: CallbackList | None = None, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Run the program over the batches of an epoch; returns the figures over all of its samples."""
        due = progress.due if progress else float("inf")
        total: Total | None = None
        turn = kind
        data: Data | None = None
        ready: dict[tuple[str, int], tuple[Runner, list[Feed]]] = {}
        begins, ends = heard.hearing(kind) if heard else ([], [])
        for step, piece in enumerate(source.epoch()):
            for begin in begins:
                begin(step, {})
            if kind == "train":
                turn = "train" if self.optimizer.prepare() else "accumulate"
            if piece.data is not data:
                data, ready = piece.data, {}
            size = piece.size
            if (turn, size) not in ready:
                made = self._runner(turn, size, data)
                ready[turn, size] = made, made.feeds(data)
                total = total or Total(made)
            assert total is not None
            runner, feeds = ready[turn, size]
            with runner.lock:
                _fill(feeds, piece)
                runner.program.execute()
                total.add(runner.program.outputs, size)
            if progress is not None:
                progress.count = step + 1
            if ends:
                logs = total.logs()
                for end in ends:
                    end(step, logs)
            if kind == "train" and self.stop_training:
                break
            if progress is not None and time.perf_counter() >= due:
                progress.show(step + 1, total.logs())
                due = progress.due
        return total.logs() if total is not None else {}

    @public
    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: str | int = "auto",
        sample_weight: Any = None, steps: int | None = None, callbacks: Sequence[Any] | None = None,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """Loss and metrics over all samples: a number, a list in the order of `metrics_names`, or a dictionary.

        Args:
            x: samples, or batches, as for `fit`.
            y: targets.
            batch_size: samples a run, 32 by default.
            verbose: as for `fit`.
            sample_weight: factor of the loss for each sample.
            steps: batches, all by default.
            callbacks: `edgenet.callbacks` objects.
            return_dict: whether a dictionary is returned.

        Raises:
            ValueError, ShapeError, TypeError: if the model is not compiled or the arrays do not fit it.
        """
        batch = _positive("batch_size", 32 if batch_size is None else batch_size)
        steps = None if steps is None else _positive("steps", steps)
        source: Source
        if is_batches(x, y):
            self._alone(y, sample_weight, 0.0, "evaluate")
            source = Stream(x, self._reader("evaluate"), steps)
        else:
            source = Arrays(read(self, x, y, sample_weight, None, "evaluate"), batch, steps)
        progress = Progress(resolve(verbose), "Evaluate", source.steps)
        heard = CallbackList(_listed(callbacks), self, {"steps": source.steps})
        try:
            heard.call("on_test_begin", {})
            logs = self._sweep("test", source, heard, progress)
            if not logs:
                raise ValueError(f"{self.name}.evaluate: x gave no batches")
            heard.call("on_test_end", logs)
        except BaseException:
            progress.abandon()
            raise
        progress.trained(logs)
        progress.close(logs)
        return _returned(logs, return_dict)

    @public
    def predict(
        self, x: Any, batch_size: int | None = None, verbose: str | int = "auto",
        steps: int | None = None, callbacks: Sequence[Any] | None = None,
    ) -> Any:  # fmt: skip
        """The outputs for all samples, as one array or a list of them.

        Args:
            x: samples, any dtype of numbers; or batches, as for `fit`, whose targets are not used.
            batch_size: samples a run, 32 by default.
            verbose: 1 for a bar; ``"auto"`` and 0 are silent.
            steps: batches, all by default.
            callbacks: `edgenet.callbacks` objects.

        Raises:
            ShapeError: if `x` does not fit the model.
            ValueError: if there are no samples.
        """
        batch = _positive("batch_size", 32 if batch_size is None else batch_size)
        steps = None if steps is None else _positive("steps", steps)
        source: Source
        if is_batches(x, None):

            def samples(given: Any) -> Data:
                return read(self, parts(given, f"{self.name}.predict")[0], None, None, None, "predict")

            source = Stream(x, samples, steps)
        else:
            source = Arrays(read(self, x, None, None, None, "predict"), batch, steps)
        progress = Progress(0 if verbose == "auto" else resolve(verbose), "Predict", source.steps)
        heard = CallbackList(_listed(callbacks), self, {"steps": source.steps})
        heard.call("on_predict_begin", {})
        results = self._predictions(source, heard, progress)
        if not results:
            progress.abandon()
            raise ValueError(f"{self.name}.predict: x gave no batches")
        progress.trained({})
        heard.call("on_predict_end", {})
        progress.close({})
        return results if self._nested_outputs else results[0]

    def _predictions(self, source: Source, heard: CallbackList, progress: Progress) -> list[np.ndarray]:
        """An array for each output; none if there were no batches."""
        begins, ends = heard.hearing("predict")
        known, done = source.samples, 0
        whole: list[np.ndarray] = []
        pieces: list[list[np.ndarray]] = []
        data: Data | None = None
        ready: dict[int, tuple[Runner, list[Feed]]] = {}
        for step, piece in enumerate(source.epoch()):
            for begin in begins:
                begin(step, {})
            if piece.data is not data:
                data, ready = piece.data, {}
            size = piece.size
            if size not in ready:
                made = self._runner("predict", size)
                ready[size] = made, made.feeds(data)
            runner, feeds = ready[size]
            with runner.lock:
                _fill(feeds, piece)
                runner.program.execute()
                outputs = runner.program.outputs
                if known is None:
                    pieces.append([y.copy() for y in outputs])
                else:
                    whole = whole or [np.empty((known, *y.shape[1:]), y.dtype) for y in outputs]
                    for result, y in zip(whole, outputs, strict=True):
                        result[done : done + size] = y
            done += size
            for end in ends:
                end(step, {})
            progress.count = step + 1
            if time.perf_counter() >= progress.due:
                progress.show(step + 1, {})
        return whole or [np.concatenate(parts_of) for parts_of in zip(*pieces, strict=True)]

    # one batch -------------------------------------------------------------------------------------------------------

    @public
    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """One training step on all of `x`; returns loss and metrics before it, like `evaluate`."""
        data = read(self, x, y, sample_weight, class_weight, "train_on_batch")
        turn = "train" if self.optimizer.prepare() else "accumulate"
        return _returned(self._batch(turn, data), return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of one batch, like `evaluate`."""
        data = read(self, x, y, sample_weight, None, "test_on_batch")
        return _returned(self._batch("test", data), return_dict)

    def _batch(self, kind: str, data: Data) -> dict[str, Any]:
        """Run the program on all samples at once; returns the figures."""
        size = len(data)
        runner = self._runner(kind, size, data)
        total = Total(runner)
        with runner.lock:
            runner.program.execute_on([data.array(role) for role in runner.roles])
            total.add(runner.program.outputs, size)
        return total.logs()

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


def _validates(frequency: Any) -> Callable[[int], bool]:
    """Whether an epoch, the first being 1, ends with a validation."""
    if isinstance(frequency, list | tuple | set | range):
        chosen = {int(e) for e in frequency}
        return chosen.__contains__
    every = _positive("validation_freq", frequency)
    return lambda epoch: epoch % every == 0


def _fill(feeds: Sequence[Feed], piece: Piece) -> None:
    if piece.rows is None:
        for feed in feeds:
            feed.span(piece.first, piece.first + piece.size)
    else:
        for feed in feeds:
            feed.pick(piece.rows)


def _returned(logs: dict[str, float], as_dict: bool) -> Any:
    values = list(logs.values())
    return logs if as_dict else values[0] if len(values) == 1 else values
