"""Callbacks as a lecture uses them: stop, keep the best, lower the rate, write down."""

import numpy as np
from slides.pictures import digits

from edgenet import load_model
from edgenet.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from edgenet.layers import Dense
from edgenet.models import Sequential

(x_train, y_train), (x_test, y_test) = digits(200, 50)
x_train, x_test = x_train.reshape(-1, 784) / 255.0, x_test.reshape(-1, 784) / 255.0


def compiled(optimizer="adam"):
    model = Sequential([Dense(16, activation="relu", input_dim=784), Dense(10, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


def test_stop_and_keep_the_best(tmp_path):
    filepath = str(tmp_path / "best.edgenet")
    model = compiled()
    callbacks_list = [
        EarlyStopping(monitor="val_accuracy", patience=2, mode="max", verbose=0),
        ModelCheckpoint(filepath, monitor="val_accuracy", verbose=0, save_best_only=True, mode="max"),
    ]
    history = model.fit(
        x_train, y_train, validation_data=(x_test, y_test), epochs=30, verbose=0, callbacks=callbacks_list
    )  # fmt: skip
    accuracy = history.history["val_accuracy"]
    assert len(accuracy) == int(np.argmax(accuracy)) + 3 < 30
    assert load_model(filepath).evaluate(x_test, y_test, verbose=0)[1] == np.float32(max(accuracy))


def test_learning_rates(tmp_path):
    def step_decay(epoch):
        return 0.1 * 0.5**epoch

    class Rates(Callback):
        def on_train_begin(self, logs=None):
            self.rates = []

        def on_epoch_end(self, epoch, logs=None):
            self.rates.append(self.model.optimizer.learning_rate)

    rates = Rates()
    model = compiled("sgd")
    model.fit(x_train, y_train, epochs=3, verbose=0, callbacks=[LearningRateScheduler(step_decay), rates])
    np.testing.assert_allclose(rates.rates, [0.1, 0.05, 0.025])
    plateau = ReduceLROnPlateau(monitor="loss", factor=0.1, patience=1, min_delta=100.0)
    model.fit(x_train, y_train, epochs=3, verbose=0, callbacks=[plateau])
    np.testing.assert_allclose(model.optimizer.learning_rate, 0.00025)


def test_write_down(tmp_path, capsys):
    log = tmp_path / "training.log"
    told = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, sorted(logs)))
    compiled().fit(x_train, y_train, epochs=2, verbose=0, callbacks=[CSVLogger(str(log)), told])
    assert log.read_text().splitlines()[0] == "epoch,accuracy,loss,val_accuracy,val_loss"
    assert capsys.readouterr().out.splitlines()[1] == "1 ['accuracy', 'loss']"
