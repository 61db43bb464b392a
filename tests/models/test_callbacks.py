"""What is done between epochs and batches."""

import numpy as np
import pytest
from models.callback_runs import Feed, Log, model, samples

from edgenet import callbacks


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
