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
        "on_train_begin", "on_epoch_begin", *batch * 2, "on_test_begin", "on_test_end", "on_epoch_end", "on_train_end",
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
        ({"monitor": "loss", "baseline": 1.0}, [3, 2, 1, 0], 2),
        ({"monitor": "loss", "start_from_epoch": 2}, [1, 2, 3, 4, 4], 4),
    ],
)
def test_what_counts_as_better(options, values, epochs):
    stop = callbacks.EarlyStopping(patience=1, **options)
    feed = Feed(options["monitor"], values)
    assert len(model().fit(*samples(), epochs=len(values), verbose=0, callbacks=[feed, stop]).epoch) == epochs


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
