"""Against learning by heart: penalties, dropout, noise, batch normalisation, early stopping."""

import numpy as np
from slides.pictures import digits

from edgenet import regularizers
from edgenet.callbacks import EarlyStopping
from edgenet.layers import Activation, BatchNormalization, Dense, Dropout, GaussianNoise
from edgenet.models import Sequential
from edgenet.utils import to_categorical

(x_train, y_train), (x_test, y_test) = digits(200, 50)
x_train, x_test = x_train.reshape(-1, 784) / 255.0, x_test.reshape(-1, 784) / 255.0
y_train, y_test = to_categorical(y_train, 10), to_categorical(y_test, 10)


def test_weight_decay_keeps_weights_small():
    sizes = []
    for penalty in (None, regularizers.l2(0.1)):
        model = Sequential()
        model.add(Dense(16, activation="relu", kernel_regularizer=penalty, input_shape=(784,)))
        model.add(Dense(10, activation="softmax"))
        model.compile(optimizer="adam", loss="categorical_crossentropy")
        model.fit(x_train, y_train, epochs=10, verbose=0)
        sizes.append(np.abs(model.get_weights()[0]).mean())
    assert sizes[1] < 0.7 * sizes[0]


def test_the_penalty_is_part_of_the_loss():
    model = Sequential([Dense(10, input_dim=784, kernel_regularizer=regularizers.l1_l2(l1=0.01, l2=0.02))])
    model.compile(optimizer="sgd", loss="mse", metrics=["mse"])
    loss, mse = model.evaluate(x_test, y_test, verbose=0)
    w = model.get_weights()[0].astype("float64")
    np.testing.assert_allclose(loss - mse, 0.01 * np.abs(w).sum() + 0.02 * (w**2).sum(), rtol=1e-4)


def test_everything_at_once():
    model = Sequential()
    model.add(GaussianNoise(0.1, input_shape=(784,)))
    model.add(Dense(32, kernel_regularizer="l2", use_bias=False))
    model.add(BatchNormalization())
    model.add(Activation("relu"))
    model.add(Dropout(0.5))
    model.add(Dense(10, activation="softmax"))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    stop = EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True)
    history = model.fit(x_train, y_train, epochs=6, validation_data=(x_test, y_test), callbacks=[stop], verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    np.testing.assert_array_equal(model.predict(x_test), model.predict(x_test))  # nothing random when predicting
