"""The zoo: every loss and every optimizer of the lecture trains the same small network."""

import numpy as np
import pytest
from slides.pictures import digits

from edgenet import losses, optimizers
from edgenet.layers import Dense
from edgenet.models import Sequential
from edgenet.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop, TFOptimizer
from edgenet.utils import to_categorical

(x_train, y_train), _ = digits(200, 1)
x_train = x_train.reshape(-1, 784) / 255.0


def network(activation="softmax"):
    return Sequential([Dense(16, activation="relu", input_shape=(784,)), Dense(10, activation=activation)])


@pytest.mark.parametrize(
    "loss",
    [
        "mean_squared_error", "mse", "mean_absolute_error", "mae", "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error", "squared_hinge", "hinge", "categorical_hinge", "logcosh",
        "categorical_crossentropy", "binary_crossentropy", "kullback_leibler_divergence", "poisson",
        "cosine_proximity", losses.mean_squared_error, losses.CategoricalCrossentropy(label_smoothing=0.1),
    ],
)  # fmt: skip
def test_losses(loss):
    model = network()
    model.compile(loss=loss, optimizer=Adam(0.005))
    history = model.fit(x_train, to_categorical(y_train, 10), epochs=3, verbose=0).history["loss"]
    assert np.isfinite(history).all()
    assert history[-1] < history[0]


def test_the_loss_for_labels():
    model = network()
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = model.fit(x_train, y_train, epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.parametrize(
    "optimizer",
    [
        SGD(learning_rate=0.1), SGD(learning_rate=0.1, momentum=0.9, nesterov=True), SGD, RMSprop(learning_rate=0.001),
        Adagrad(learning_rate=0.01), Adadelta(learning_rate=1.0, rho=0.95), Adam(learning_rate=0.001, beta_1=0.9),
        Adamax, Nadam, "sgd", "rmsprop", "adagrad", "adam", "adamax", "nadam", optimizers.AdamW(),
    ],
    ids=str,
)  # fmt: skip
def test_optimizers(optimizer):
    model = network()
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    history = model.fit(x_train, to_categorical(y_train, 10), epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_an_optimizer_that_cannot_be_there():
    with pytest.raises(NotImplementedError, match=r"runs without TensorFlow: use one of edgenet\.optimizers, such as"):
        TFOptimizer("GradientDescent")


def test_a_loss_of_ones_own():
    from edgenet import ops

    def fourth_power(y_true, y_pred):
        return ops.mean(ops.square(ops.square(y_true - y_pred)), -1)

    model = network("sigmoid")
    model.compile(loss=fourth_power, optimizer="adam")
    history = model.fit(x_train, to_categorical(y_train, 10), epochs=2, verbose=0).history["loss"]
    assert history[-1] < history[0]
