"""Callbacks that write files: tables, checkpoints, backups, event files."""

import numpy as np
import pytest
from models.callback_runs import Feed, model, samples

from edgenet import Input, Sequential, callbacks, layers, load_model, optimizers
from edgenet.utils import set_random_seed


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
