"""What is recorded of a training, and what is shown of it."""

import os
import re

import numpy as np
import pytest
from models.callback_runs import model, samples

from edgenet import callbacks
from edgenet.kernels import cache, compiler
from edgenet.kernels.cpu import movement

# recorded ------------------------------------------------------------------------------------------------------------


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


# shown ---------------------------------------------------------------------------------------------------------------


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
    assert re.fullmatch(rf"Epoch 1/2 - 100%\|█+\| - 4/4 - \d+\.\ds - {told}", last)


def test_a_terminal_of_unknown_size_counts_as_80_columns(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("os.get_terminal_size", lambda fd: os.terminal_size((0, 0)))
    assert callbacks.progress.columns() == 80


def test_evaluate_ends_at_100_percent_also_when_interrupted(capsys):
    m = model(metrics=["mae"])
    m.evaluate(*samples(), batch_size=3, verbose=1)
    last = capsys.readouterr().out.rstrip("\n").split("\r")[-1]
    assert re.fullmatch(r"Evaluate - 100%\|█{10}\| - 7/7 - \d+\.\ds - loss: \d+\.\d+ - mae: \d+\.\d+", last)

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
