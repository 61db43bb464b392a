"""Convolutional networks: one behind the other, and functional on 128 × 128 pictures."""

import numpy as np
import pytest
from slides.pictures import digits, photos

import edgenet
from edgenet import Input, Model, layers
from edgenet.layers import Conv2D, Convolution2D, Dense, Dropout, Flatten, MaxPooling2D
from edgenet.models import Sequential
from edgenet.utils import to_categorical


def test_digits():
    batch_size, num_classes, epochs = 64, 10, 3
    img_rows, img_cols = 28, 28
    (x_train, y_train), (x_test, y_test) = digits()
    x_train = x_train.reshape(x_train.shape[0], img_rows, img_cols, 1)
    x_test = x_test.reshape(x_test.shape[0], img_rows, img_cols, 1)
    input_shape = (img_rows, img_cols, 1)
    x_train = x_train.astype("float32")
    x_test = x_test.astype("float32")
    x_train /= 255
    x_test /= 255
    y_train = to_categorical(y_train, num_classes)
    y_test = to_categorical(y_test, num_classes)

    model = Sequential()
    model.add(Conv2D(8, kernel_size=(3, 3), activation="relu", input_shape=input_shape))
    model.add(Conv2D(16, (3, 3), activation="relu"))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Dropout(0.25))
    model.add(Flatten())
    model.add(Dense(32, activation="relu"))
    model.add(Dropout(0.5))
    model.add(Dense(num_classes, activation="softmax"))
    model.compile(
        loss=edgenet.losses.categorical_crossentropy, optimizer=edgenet.optimizers.Adam(), metrics=["accuracy"]
    )
    model.fit(
        x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=0, validation_data=(x_test, y_test)
    )  # fmt: skip
    score = model.evaluate(x_test, y_test, verbose=0)
    assert score[1] > 0.9


def small_cnn():
    """The functional CNN on 128 × 128 × 3.

    246,665 weights come from a first convolution which keeps the size and a second one which does not: after the second
    pooling 31 × 31 × 4 numbers go into 64 units.  With both "valid" it would be 30 × 30 × 4, 231,049 in all.
    """
    inputs = Input(shape=(128, 128, 3))
    x = layers.Conv2D(4, (3, 3), activation="relu", padding="same")(inputs)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Conv2D(4, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    outputs = layers.Dense(5, activation="softmax")(x)
    return Model(inputs=inputs, outputs=outputs)


def test_functional(capsys):
    model = small_cnn()
    model.summary()
    assert "Total params: 246,665" in capsys.readouterr().out
    (x, y), _ = photos(40, 1, side=128, classes=5)
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["acc"])
    history = model.fit(x / 255.0, to_categorical(y, 5), batch_size=10, epochs=2, validation_split=0.2, verbose=0)
    assert set(history.history) == {"loss", "acc", "val_loss", "val_acc"}
    assert model.predict(x[:3] / 255.0).shape == (3, 5)


def test_what_lies_inside():
    """The outputs of a layer in the middle, as a slide on feature maps shows them."""
    model = small_cnn()
    inside = Model(inputs=model.input, outputs=[layer.output for layer in model.layers[:2]])
    maps, pooled = inside.predict(np.zeros((1, 128, 128, 3)))
    assert maps.shape == (1, 128, 128, 4)
    assert pooled.shape == (1, 64, 64, 4)
    kernel, bias = model.layers[0].get_weights()
    assert (kernel.shape, bias.shape) == ((3, 3, 3, 4), (4,))


def test_older_names():
    model = Sequential([Convolution2D(4, (5, 5), strides=(2, 2), padding="same", input_shape=(28, 28, 1))])
    assert model.output_shape == (None, 14, 14, 4)
    functional = Model(input=(x := Input((4,))), output=Dense(2)(x))
    assert functional.output_shape == (None, 2)


@pytest.mark.parametrize(("first", "second", "total"), [("same", "valid", 246_665), ("valid", "valid", 231_049)])
def test_the_number_of_weights_by_hand(first, second, total):
    side = 128
    for padding in (first, second):
        side = (side if padding == "same" else side - 2) // 2
    assert (3 * 3 * 3 * 4 + 4) + (3 * 3 * 4 * 4 + 4) + (side * side * 4 * 64 + 64) + (64 * 5 + 5) == total
