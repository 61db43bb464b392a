"""What is shown, recorded and done between epochs."""

import os
import re

import numpy as np
import pytest

from edgenet import Input, Sequential, callbacks, layers, load_model, optimizers
from edgenet.kernels import cache, compiler
from edgenet.kernels.cpu import movement
from edgenet.utils import set_random_seed


def model(rate=0.1, **compile_options):
    set_random_seed(1)
    made = Sequential([Input((3,)), layers.Dense(1)])
    made.compile(optimizers.SGD(rate), "mse", **compile_options)
    return made


def samples(n=20):
    x = np.random.default_rng(1).normal(size=(n, 3)).astype(np.float32)
    return x, x.sum(axis=1)


class Log(callbacks.Callback):
    """Every call with its arguments."""

    def __init__(self):
        self.calls = []


for _name in [n for n in vars(callbacks.Callback) if n.startswith("on_")]:
    setattr(Log, _name, lambda self, *args, name=_name: self.calls.append((name, *args)))


# History -------------------------------------------------------------------------------------------------------------


def test_history_holds_every_epoch():
    m = model(metrics=["mae"])
    history = m.fit(*samples(), epochs=3, verbose=0, validation_data=samples(7))
    assert list(history.history) == ["loss", "mae", "val_loss", "val_mae"]
    assert all(len(v) == 3 and all(isinstance(x, float) for x in v) for v in history.history.values())
    assert history.epoch == [0, 1, 2]
    assert history.model is m
    assert m.history is history
    assert history.params == {"epochs": 3, "steps": 1, "verbose": 0}
    more = m.fit(*samples(), epochs=5, initial_epoch=3, verbose=0)
    assert more.epoch == [3, 4]


def test_validation_figures_are_those_of_evaluate():
    m = model(metrics=["mae"])
    x, y = samples(23)
    history = m.fit(x, y, batch_size=4, verbose=0, validation_split=0.3, shuffle=True).history
    found = m.evaluate(x[16:], y[16:], batch_size=3, verbose=0, return_dict=True)  # floor(23 · 0.7) = 16
    assert history["val_loss"][0] == pytest.approx(found["loss"], rel=1e-6)
    assert history["val_mae"][0] == pytest.approx(found["mae"], rel=1e-6)
    assert m.evaluate(x, y, verbose=0) == list(m.evaluate(x, y, verbose=0, return_dict=True).values())


def test_validation_takes_the_last_rows_and_leaves_them_out_of_training():
    m = model()
    x, y = samples(20)
    x[15:], y[15:] = np.nan, np.nan  # would spoil the weights
    history = m.fit(x, y, epochs=2, verbose=0, validation_split=0.25).history
    assert np.isfinite(history["loss"]).all()
    assert np.isnan(history["val_loss"]).all()
    assert all(np.isfinite(w).all() for w in m.get_weights())


def test_validation_every_second_epoch():
    history = model().fit(*samples(), epochs=4, verbose=0, validation_split=0.5, validation_freq=2).history
    assert (len(history["loss"]), len(history["val_loss"])) == (4, 2)


# verbose -------------------------------------------------------------------------------------------------------------


def test_silence(capsys):
    m = model()
    m.fit(*samples(), verbose=0)
    m.evaluate(*samples(), verbose=0)
    m.predict(samples()[0])
    assert capsys.readouterr() == ("", "")


def test_one_line_an_epoch(capsys):
    m = model(metrics=["mae"])
    m.fit(*samples(), epochs=2, batch_size=8, verbose=2, validation_split=0.2)
    m.fit(*samples(), verbose="auto")  # the output is no terminal
    m.evaluate(*samples(), verbose=2)
    lines = capsys.readouterr().out.splitlines()
    number = r"\d+\.\d{4}"
    figures = f"loss: {number} - mae: {number}"
    validated = f"{figures} - val_loss: {number} - val_mae: {number}"
    assert re.fullmatch(rf"Epoch 1/2 - 2/2 - \d+\.\ds - {validated}", lines[0])
    assert re.fullmatch(rf"Epoch 2/2 - 2/2 - \d+\.\ds - {validated}", lines[1])
    assert re.fullmatch(rf"Epoch 1/1 - 1/1 - \d+\.\ds - {figures}", lines[2])
    assert re.fullmatch(rf"Evaluate - 1/1 - \d+\.\ds - {figures}", lines[3])
    assert len(lines) == 4


def test_a_bar_an_epoch(capsys):
    m = model(metrics=["mae"])
    m.fit(*samples(), epochs=2, batch_size=8, verbose=1, validation_split=0.2)
    out, err = capsys.readouterr()
    assert err == ""
    last = [part.split("\r")[-1] for part in out.strip("\n").split("\n")]
    assert len(last) == 2
    for epoch, line in enumerate(last, 1):
        assert line.startswith(f"Epoch {epoch}/2 - 100%|██████████| - 2/2 - ")
        assert re.search(r"loss: \d+\.\d{4} - mae: \d+\.\d{4} - val_loss: \d+\.\d{4} - val_mae: \d+\.\d{4}", line)


def test_figures_come_first_on_a_narrow_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    shown = {"loss": 0.5, "accuracy": 0.75}
    bar = callbacks.Progress(1, "Epoch 1/2", 4)
    bar.show(2, shown)
    bar.show(4, {**shown, "precision": 0.5, "recall": 0.25})
    bar.close({**shown, "val_loss": 0.5, "val_accuracy": 0.25})
    drawn = capsys.readouterr().out.rstrip("\n").split("\r")
    half, cut, last = (next(d for d in drawn if text in d) for text in (" 50%", "100% - ", "100%|"))
    assert re.fullmatch(r"Epoch 1/2 -  50% - loss: 0\.5000 - accuracy: 0\.7500 \|.*", half)
    assert len(half) <= 59 and len(cut) <= 59
    told = "loss: 0.5000 - accuracy: 0.7500 - val_loss: 0.5000 - val_accuracy: 0.2500"
    assert re.fullmatch(rf"Epoch 1/2 - 100%\|█+\| - 4/4 - \d\.\ds - {told}", last)


def test_a_terminal_of_unknown_size_counts_as_80_columns(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda fd: os.terminal_size((0, 0)))
    assert callbacks.progress.columns() == 80


def test_evaluate_ends_at_100_percent_also_when_interrupted(capsys):
    m = model(metrics=["mae"])
    m.evaluate(*samples(), batch_size=3, verbose=1)
    last = capsys.readouterr().out.rstrip("\n").split("\r")[-1]
    assert re.fullmatch(r"Evaluate - 100%\|█{10}\| - 7/7 - \d\.\ds - loss: \d+\.\d+ - mae: \d+\.\d+", last)

    class Interrupt(callbacks.Callback):
        def on_test_end(self, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        m.evaluate(*samples(), verbose=1, callbacks=[Interrupt()])
    assert capsys.readouterr().out.endswith("\n")


@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_compiling_is_announced_once(capsys, tmp_path, monkeypatch, verbose):
    class Compiles(callbacks.Callback):
        def on_test_begin(self, logs=None):  # any kernel that is new to this process
            for _ in range(2):
                assert compiler.Kernel(movement.copy.function).address

    monkeypatch.setenv("EDGENET_CACHE_DIR", str(tmp_path))
    m = model()
    m.fit(*samples(), verbose=0, validation_split=0.5)
    cache.folder.cache_clear()
    callbacks.progress.tell_compiling.cache_clear()
    m.fit(*samples(), epochs=2, verbose=verbose, validation_split=0.5, callbacks=[Compiles()])
    told = "compiling kernels (once on this machine) …\n"
    assert capsys.readouterr().err == (told if verbose else "")
    callbacks.progress.tell_compiling.cache_clear()
    m.fit(*samples(), epochs=2, verbose=verbose, validation_split=0.5, callbacks=[Compiles()])
    assert capsys.readouterr().err == ""  # they are loaded now
    cache.folder.cache_clear()


def test_other_bars_and_words(capsys):
    m = model()
    m.evaluate(*samples(), verbose=1)
    m.predict(samples()[0], verbose=1)
    assert {"Evaluate", "Predict"} <= set(re.findall(r"[A-Z][a-z]+", capsys.readouterr().out))
    with pytest.raises(ValueError, match="verbose must be 'auto', 0"):
        m.fit(*samples(), verbose="loud")


# callbacks -----------------------------------------------------------------------------------------------------------


def test_callbacks_are_called_in_order_with_their_logs():
    log, m = Log(), model(metrics=["mae"])
    m.fit(*samples(), batch_size=8, verbose=0, validation_split=0.2, callbacks=[log])
    names = [call[0] for call in log.calls]
    batch = ["on_train_batch_begin", "on_train_batch_end"]
    assert names == [
        "on_train_begin", "on_epoch_begin", *batch * 2, "on_test_begin", "on_test_batch_begin", "on_test_batch_end",
        "on_test_end", "on_epoch_end", "on_train_end",
    ]  # fmt: skip
    assert [call[1] for call in log.calls if call[0] == "on_train_batch_end"] == [0, 1]
    assert set(log.calls[3][2]) == {"loss", "mae"}
    assert set(log.calls[-2][2]) == {"loss", "mae", "val_loss", "val_mae"}
    assert log.model is m


def test_batch_logs_are_averages_so_far():
    seen = []

    class Seen(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    m = model(rate=0.0)
    x, y = samples(20)
    m.fit(x, y, batch_size=8, verbose=0, shuffle=False, callbacks=[Seen()])
    wanted = [m.evaluate(x[:n], y[:n], verbose=0) for n in (8, 16, 20)]
    assert seen == pytest.approx(wanted, rel=1e-6)


def test_training_stops_when_asked():
    class Stop(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    assert model().fit(*samples(), epochs=5, verbose=0, callbacks=[Stop()]).epoch == [0, 1]


def test_an_object_that_is_no_callback():
    with pytest.raises(TypeError, match="expected Callback objects, got 3"):
        model().fit(*samples(), verbose=0, callbacks=[3])


class Feed(callbacks.Callback):
    """Replaces a figure by given values."""

    def __init__(self, name, values):
        self.name, self.values = name, values

    def on_epoch_end(self, epoch, logs=None):
        logs[self.name] = self.values[epoch]


def test_early_stopping_waits_and_restores():
    m = model()
    kept = []

    class Keep(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept.append(self.model.get_weights())

    stop = callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    feed = Feed("val_loss", [3, 2, 2.5, 2.1, 1, 0])
    history = m.fit(*samples(), epochs=6, verbose=0, callbacks=[feed, Keep(), stop])
    assert history.epoch == [0, 1, 2, 3]
    assert (stop.best, stop.best_epoch, stop.stopped_epoch) == (2, 1, 3)
    for a, b in zip(m.get_weights(), kept[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("options", "values", "epochs"),
    [
        ({"monitor": "val_accuracy"}, [0.1, 0.2, 0.15, 1], 3),
        ({"monitor": "f", "mode": "max"}, [1, 2, 1, 3], 3),
        ({"monitor": "loss", "min_delta": 0.5}, [3, 2.8, 1, 0], 2),
        ({"monitor": "loss", "start_from_epoch": 2}, [1, 2, 3, 4, 4], 4),
    ],
)
def test_what_counts_as_better(options, values, epochs):
    stop = callbacks.EarlyStopping(patience=1, **options)
    feed = Feed(options["monitor"], values)
    assert len(model().fit(*samples(), epochs=len(values), verbose=0, callbacks=[feed, stop]).epoch) == epochs


@pytest.mark.parametrize(("baseline", "epochs"), [(1.0, 3), (2.1, 5), (None, 5)])
def test_waiting_begins_anew_only_below_the_baseline(baseline, epochs):
    stop = callbacks.EarlyStopping(monitor="loss", patience=3, baseline=baseline)
    feed = Feed("loss", [3, 2, 2.5, 2.5, 2.5, 0])
    assert len(model().fit(*samples(), epochs=6, verbose=0, callbacks=[feed, stop]).epoch) == epochs
    assert stop.best == 2


def test_a_figure_that_does_not_exist():
    with pytest.warns(UserWarning, match="there is no figure 'val_loss', only loss") as told:
        model().fit(*samples(), epochs=3, verbose=0, callbacks=[callbacks.EarlyStopping()])
    assert len(told) == 1


def test_checkpoints(tmp_path):
    m = model()
    every = callbacks.ModelCheckpoint(tmp_path / "{epoch:02d}-{loss:.1f}.edgenet")
    best = callbacks.ModelCheckpoint(tmp_path / "best.edgenet", monitor="f", save_best_only=True)
    light = callbacks.ModelCheckpoint(str(tmp_path / "weights"), save_weights_only=True)
    feed = Feed("f", [2.0, 1.0, 3.0])
    m.fit(*samples(), epochs=2, verbose=0, callbacks=[feed, every, best, light])
    two = m.get_weights()
    m.fit(*samples(), epochs=3, initial_epoch=2, verbose=0, callbacks=[feed, best, light])
    names = sorted(p.name for p in tmp_path.iterdir())
    assert [n[:3] for n in names] == ["01-", "02-", "bes", "wei"]
    for a, b in zip(load_model(tmp_path / "best.edgenet").get_weights(), two, strict=True):
        np.testing.assert_array_equal(a, b)
    m.load_weights(tmp_path / "weights")


def test_learning_rate_schedules():
    m = model(rate=1.0)
    two = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    history = m.fit(*samples(), epochs=3, verbose=0, callbacks=[two]).history
    assert history["learning_rate"] == [0.5, 0.25, 0.125]
    one = callbacks.LearningRateScheduler(lambda epoch: 0.1 * (epoch + 1))
    assert m.fit(*samples(), epochs=2, verbose=0, callbacks=[one]).history["learning_rate"] == [0.1, 0.2]


def test_the_rate_falls_on_a_plateau():
    m = model(rate=1.0)
    plateau = callbacks.ReduceLROnPlateau(monitor="f", factor=0.5, patience=2, cooldown=1, min_lr=0.3)
    feed = Feed("f", [1, 1, 1, 1, 1, 1, 1])
    history = m.fit(*samples(), epochs=7, verbose=0, callbacks=[feed, plateau]).history
    assert history["learning_rate"] == [
        1,
        1,
        1,
        0.5,
        0.5,
        0.3,
        0.3,
    ]  # as Keras counts: the last epoch of the cooldown is one of waiting


def test_training_ends_at_nan(capsys):
    m = model()
    x, y = samples(20)
    x[9] = np.nan
    log = Log()
    m.fit(x, y, batch_size=4, epochs=5, shuffle=False, verbose=0, callbacks=[callbacks.TerminateOnNaN(), log])
    assert [c[1] for c in log.calls if c[0] == "on_train_batch_end"] == [0, 1, 2]
    assert "Batch 2: invalid loss nan" in capsys.readouterr().out


# files ---------------------------------------------------------------------------------------------------------------


def test_csv(tmp_path):
    path = tmp_path / "log.csv"
    m = model(metrics=["mae"])
    log = callbacks.CSVLogger(path, separator=";")
    history = m.fit(*samples(), epochs=2, verbose=0, callbacks=[log], validation_split=0.2, validation_freq=2).history
    head, first, second = (line.split(";") for line in path.read_text().splitlines())
    assert head == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert first == ["0", str(history["loss"][0]), str(history["mae"][0]), "NA", "NA"]
    assert second[3:] == [str(history["val_loss"][0]), str(history["val_mae"][0])]
    more = callbacks.CSVLogger(str(path), ";", append=True)
    m.fit(*samples(), epochs=3, initial_epoch=2, verbose=0, callbacks=more)
    lines = path.read_text().splitlines()
    assert lines[0].split(";") == head
    assert [line.split(";")[0] for line in lines[1:]] == ["0", "1", "2"]
    m.fit(*samples(), verbose=0, callbacks=[log])
    assert len(path.read_text().splitlines()) == 2


def test_functions_as_callbacks():
    calls = []
    functions = {
        name: lambda *args, name=name: calls.append(name)
        for name in ("on_train_begin", "on_train_batch_end", "on_epoch_end", "on_test_batch_end", "on_train_end")
    }
    made = callbacks.LambdaCallback(**functions)
    model().fit(*samples(), batch_size=10, verbose=0, callbacks=[made], validation_split=0.5)
    assert calls == ["on_train_begin", "on_train_batch_end", "on_test_batch_end", "on_epoch_end", "on_train_end"]
    with pytest.raises(TypeError, match="there is no 'on_batch', only on_train_begin"):
        callbacks.LambdaCallback(on_batch=print)
    with pytest.raises(TypeError, match="on_epoch_end must be a function, got 3"):
        callbacks.LambdaCallback(on_epoch_end=3)


def test_batches_of_evaluations_and_predictions_are_heard():
    m, log = model(), Log()
    m.evaluate(*samples(), batch_size=10, verbose=0, callbacks=[log])
    m.predict(samples()[0], batch_size=10, callbacks=log)
    names = [c[0] for c in log.calls]
    for kind in ("test", "predict"):
        batch = [f"on_{kind}_batch_begin", f"on_{kind}_batch_end"]
        part = [n for n in names if n.startswith(f"on_{kind}")]
        assert part == [f"on_{kind}_begin", *batch, *batch, f"on_{kind}_end"]


def test_checkpoints_by_batches(tmp_path):
    m = model()
    every = callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}", save_freq=2, save_weights_only=True)
    m.fit(*samples(), batch_size=5, epochs=2, verbose=0, callbacks=[every])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1-2", "1-4", "2-2", "2-4"]
    with pytest.raises(ValueError, match="a number of batches, got 'batch'"):
        callbacks.ModelCheckpoint("m", save_freq="batch")


def deep(optimizer):
    set_random_seed(3)
    parts = [layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.3), layers.Dense(1)]
    made = Sequential([Input((3,)), *parts])
    made.compile(optimizer(), "mse")
    return made


OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05, clipnorm=1.0),
    "adam": lambda: optimizers.Adam(0.05, use_ema=True, gradient_accumulation_steps=2),
    "nadam": lambda: optimizers.Nadam(optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_interrupted_training_goes_on_as_if_nothing_had_happened(tmp_path, name):
    class Crash(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    x, y = samples(40)
    whole = deep(OPTIMIZERS[name])
    # as the interrupted training ends with the means of the weights only once
    history = whole.fit(x, y, batch_size=8, epochs=5, verbose=0).history["loss"]
    backup = callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        deep(OPTIMIZERS[name]).fit(x, y, batch_size=8, epochs=5, verbose=0, callbacks=[backup, Crash()])
    again = deep(OPTIMIZERS[name])
    again.fit(x, y, batch_size=8, verbose=0)  # what it learned elsewhere is gone
    found = again.fit(x, y, batch_size=8, epochs=5, verbose=0, callbacks=[backup])
    assert found.epoch == [3, 4]
    assert found.history["loss"] == history[3:]
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not (tmp_path / "backup").exists()


def test_a_backup_by_batches_and_of_another_model(tmp_path):
    class Crash(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.optimizer.iterations.array[0] == 7:
                raise KeyboardInterrupt

    backup = callbacks.BackupAndRestore(tmp_path, save_freq=2, delete_checkpoint=False)
    with pytest.raises(KeyboardInterrupt):
        deep(OPTIMIZERS["sgd"]).fit(*samples(), batch_size=5, epochs=3, verbose=0, callbacks=[Crash(), backup])
    again = deep(OPTIMIZERS["sgd"])
    again.fit(*samples(), batch_size=5, epochs=1, verbose=0, callbacks=[backup])  # nothing is left to do
    assert again.optimizer.iterations.array[0] == 6
    assert backup.path.exists()
    with pytest.raises(ValueError, match=r"holds 8 weights, sequential.* has 2"):
        model().fit(*samples(), verbose=0, callbacks=[backup])
    with pytest.raises(ValueError, match="save_freq must be 'epoch' or a number of batches, got 0"):
        callbacks.BackupAndRestore(tmp_path, save_freq=0)


def events(folder):
    """What the event files of a folder hold: (step, kind, tag, value)."""
    from tensorboardX.proto.event_pb2 import Event
    from tensorboardX.proto.graph_pb2 import GraphDef

    found = []
    for path in sorted(folder.glob("events*")):
        data = path.read_bytes()
        while data:  # length, its checksum, the event, its checksum
            size = int.from_bytes(data[:8], "little")
            event = Event.FromString(data[12 : 12 + size])
            data = data[16 + size :]
            if event.graph_def:
                found.append((0, "graph", "", [n.op for n in GraphDef.FromString(event.graph_def).node]))
            for value in event.summary.value:
                kind = value.WhichOneof("value")
                number = value.simple_value if kind == "simple_value" else value.histo.num
                found.append((event.step, kind, value.tag, number))
    return found


def test_tensorboard(tmp_path):
    pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
    m = model(metrics=["mae"])
    board = callbacks.TensorBoard(tmp_path, histogram_freq=2, update_freq=2, write_steps_per_second=True)
    x, y = samples()
    history = m.fit(x, y, batch_size=5, epochs=3, verbose=0, validation_split=0.2, callbacks=[board]).history
    train, held = events(tmp_path / "train"), events(tmp_path / "validation")
    (graph,) = (e for e in train if e[1] == "graph")
    assert {"dense", "Placeholder", "Const"} <= set(graph[3])
    losses = [e[3] for e in train if e[2] == "epoch_loss"]
    assert losses == pytest.approx(history["loss"], rel=1e-6)
    assert [e[0] for e in train if e[2] == "epoch_mae"] == [0, 1, 2]
    assert [e[0] for e in train if e[2] == "batch_loss"] == [2, 4, 6, 8, 10, 12]
    assert [e[3] for e in train if e[2] == "epoch_learning_rate"] == pytest.approx([0.1] * 3)
    assert all(e[3] > 0 for e in train if e[2] == "epoch_steps_per_second")
    kernels = [e for e in train if e[1] == "histo" and e[2].endswith("kernel/histogram")]
    assert [(e[0], e[3]) for e in kernels] == [(0, 3), (2, 3)]
    assert [e[3] for e in held if e[2] == "epoch_loss"] == pytest.approx(history["val_loss"], rel=1e-6)


def test_tensorboard_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"needs the package tensorboardX: pip install 'edgenet\[tensorboard\]'"):
        callbacks.TensorBoard()
    with pytest.raises(NotImplementedError, match="write_images is not there, got True"):
        callbacks.TensorBoard(write_images=True)
