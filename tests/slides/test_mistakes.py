"""Lines that cannot work, as beginners write them: each is answered with what to write instead."""

import numpy as np
import pytest
from slides.pictures import digits, photos

from edgenet import Input
from edgenet.callbacks import EarlyStopping
from edgenet.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D, ReLU
from edgenet.models import Model, Sequential
from edgenet.optimizers import SGD
from edgenet.utils import to_categorical

(pictures, labels), _ = digits(40, 1)
x, y = pictures.reshape(-1, 784) / 255.0, to_categorical(labels, 10)
colours, _ = photos(20, 1)[0]


def mlp(loss="categorical_crossentropy", **options):
    model = Sequential([Dense(10, input_dim=784), Activation("softmax")])
    model.compile(loss=loss, optimizer="sgd", metrics=["accuracy"], **options)
    return model


def cnn(loss="categorical_crossentropy", flatten=True):
    model = Sequential([Conv2D(4, (3, 3), input_shape=(28, 28, 1)), MaxPooling2D((2, 2))])
    if flatten:
        model.add(Flatten())
    model.add(Dense(10, activation="softmax"))
    model.compile(loss=loss, optimizer="sgd")
    return model


def added(layer):
    model = Sequential()
    model.add(layer)


MISTAKES = {
    # the shape of the input
    "a shape without a name": (lambda: Dense(500, (784,)), r"input_shape=\(784,\)\), or begin with Input\(\(784,\)\)"),
    "a size without a name": (lambda: Dense(500, 784), r"Dense\(…, input_shape=\(784,\)\)"),
    "a shape behind a kernel": (lambda: Conv2D(8, (3, 3), (28, 28, 1)), r"Conv2D\(…, input_shape=\(28, 28, 1\)\)"),
    "a shape in three parts": (lambda: Input(28, 28, 1), r"write Input\(\(28, 28, 1\)\)"),
    "a shape with its batch": (lambda: Input((None, 28, 28, 1)), r"without the batch.*write Input\(\(28, 28, 1\)\)"),
    "no channels": (
        lambda: Sequential([Conv2D(4, 3, input_shape=(28, 28))]),
        r"a single channel is .* x\[\.\.\., None\]",
    ),
    "channels in front": (
        lambda: Sequential([Conv2D(4, (3, 3), input_shape=(3, 32, 32))]).predict(colours),
        r"expected an array of shape \(n, 3, 32, 32\), got \(20, 32, 32, 3\); channels come last",
    ),
    "pictures for a dense layer": (lambda: mlp().fit(pictures, y), r"got \(40, 28, 28\); x\.reshape\(len\(x\), 784\)"),
    "one picture": (lambda: mlp().predict(x[0]), "is the batch axis missing"),
    # layers
    "a class for a layer": (lambda: added(Dense), r"got the class Dense: write Dense\(…\)"),
    "a name for a layer": (lambda: added("relu"), "expected a layer or an Input, got str"),
    "layers without a list": (
        lambda: Sequential(Dense(3, input_dim=2), Dense(1)),
        r"write Sequential\(\[first, second",
    ),
    "a layer without its input": (lambda: Model(Input((4,)), Dense(3)), "outputs must come from .* got Dense"),
    "a layer on numbers": (lambda: Dense(3)(np.ones((2, 4))), "to compute on arrays, put it into a model"),
    "percent for a rate": (lambda: Dropout(50), "rate must be at least 0 and less than 1, got 50"),
    "half a unit": (lambda: Dense(7 / 2), r"units must be an integer of at least 1, got 3\.5"),
    "a misspelled activation": (lambda: Dense(3, activation="sigmod"), r"did you mean 'sigmoid'\?"),
    "a class for an activation": (lambda: Dense(3, activation=ReLU), r"write ReLU\(\)"),
    "a misspelled argument": (lambda: Conv2D(8, kernal_size=3), r"did you mean kernel_size\?"),
    "an older argument": (lambda: Conv2D(8, 3, border_mode="same"), r"did you mean padding\?"),
    "no flatten": (lambda: cnn(flatten=False).fit(pictures, y), r"\(13, 13, 10\): is a Flatten\(\) missing"),
    "no flatten, labels": (
        lambda: cnn("sparse_categorical_crossentropy", flatten=False).fit(pictures, labels),
        r"the model ends in \(13, 13, 10\): is a Flatten\(\) missing before the last Dense\?",
    ),
    # compile
    "no compile": (lambda: Sequential([Dense(10, input_dim=784)]).fit(x, y), r"call model\.compile\(optimizer, loss\)"),
    "no loss": (lambda: Sequential([Dense(1, input_dim=2)]).compile("sgd"), r"compile\(loss=…\) is missing"),
    "a misspelled loss": (lambda: mlp("categorical_cross_entropy"), r"did you mean 'categorical_crossentropy'\?"),
    "a misspelled optimizer": (lambda: Sequential().compile("Adma", "mse"), r"did you mean 'adam'\?"),
    "a misspelled metric": (lambda: mlp(weighted_metrics=["acuracy"]), r"did you mean 'accuracy'\?"),
    "the older rate": (lambda: SGD(lr=0.1), "write learning_rate=…"),
    "one metric": (lambda: mlp(metric="accuracy"), "did you mean metrics=…"),
    # targets
    "labels for one-hot rows": (lambda: mlp().fit(x, labels), r"use sparse_categorical.*to_categorical\(y\)"),
    "one-hot rows for labels": (
        lambda: mlp("sparse_categorical_crossentropy").fit(x, y),
        r"takes targets of shape \(n,\), got \(40, 10\); one-hot targets need categorical_crossentropy",
    ),
    "labels for ten outputs": (lambda: mlp("mse").fit(x, labels), r"edgenet\.utils\.to_categorical\(y, 10\)"),
    "labels for decisions": (lambda: mlp("binary_crossentropy").fit(x, labels), r"to_categorical\(y, 10\)"),
    "two classes too many": (lambda: mlp().fit(x, to_categorical(labels, 12)), "the last layer needs 12 units"),
    "labels from one to ten": (
        lambda: mlp("sparse_categorical_crossentropy").fit(x, labels + 1),
        "has 10 classes, so labels are 0 to 9; got",
    ),
    "words for labels": (lambda: mlp().fit(x, ["cat"] * 40), r"np\.unique\(labels, return_inverse=True\)"),
    "too few classes": (lambda: to_categorical([0, 3], 3), "expected labels from 0 to 2, got 0 to 3"),
    # fit
    "the older epochs": (lambda: mlp().fit(x, y, nb_epoch=3), "did you mean epochs=…"),
    "too few targets": (lambda: mlp().fit(x, y[:30]), "got x 40, y 30"),
    "percent for a split": (lambda: mlp().fit(x, y, validation_split=20), "must be between 0 and 1, got 20"),
    "pictures alone for validation": (lambda: mlp().fit(x, y, validation_data=x), r"must be \(x, y\)"),
    "a class for a callback": (lambda: mlp().fit(x, y, callbacks=[EarlyStopping]), r"write EarlyStopping\(…\)"),
    # methods of the past
    "predict_classes": (lambda: mlp().predict_classes(x), r"write predict\(x\)\.argmax\(-1\)"),
    "fit_generator": (lambda: mlp().fit_generator(iter([])), "write fit, which takes generators"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake):
    line, answer = MISTAKES[mistake]
    with pytest.raises((TypeError, ValueError, AttributeError), match=answer):
        line()


def test_a_figure_that_is_not_there():
    with pytest.warns(UserWarning, match="there is no figure 'val_acc', only loss, accuracy"):
        mlp().fit(x, y, verbose=0, callbacks=[EarlyStopping(monitor="val_acc")])


def test_far_more_weights_than_memory(monkeypatch):
    """Dense(1000) right behind pictures of 1000 × 1000 × 3: 12 GB."""
    monkeypatch.setattr("edgenet.graph.headroom.free_bytes", lambda: 8 * 10**9)
    model = Sequential([Input((1000, 1000, 3)), Flatten()])
    with pytest.raises(MemoryError, match=r"takes 12 GB, and the machine has 8 GB .* fewer units, or a smaller input"):
        model.add(Dense(1000))


def test_models_say_what_they_are_asked_for():
    assert not hasattr(mlp(), "predict_classes")
    with pytest.raises(AttributeError, match=r"'Sequential' object has no attribute 'colour'$"):
        _ = mlp().colour
