"""The CIFAR-10 network with dropout and a bound on the norms of its weights."""

import numpy as np
from slides.pictures import photos

from edgenet.constraints import maxnorm
from edgenet.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from edgenet.models import Sequential
from edgenet.optimizers import SGD
from edgenet.utils import to_categorical


def test_cifar(capsys):
    (x_train, y_train), (x_test, y_test) = photos()
    x_train = x_train.astype("float32") / 255.0
    x_test = x_test.astype("float32") / 255.0
    y_train = to_categorical(y_train)
    y_test = to_categorical(y_test)
    num_classes = y_test.shape[1]
    assert (y_train.shape, num_classes) == ((160, 10), 10)

    model = Sequential()
    model.add(
        Conv2D(
            32, (3, 3), input_shape=(32, 32, 3), padding="same", activation="relu", kernel_constraint=maxnorm(3)
        )
    )  # fmt: skip
    model.add(Dropout(0.2))
    model.add(Conv2D(32, (3, 3), activation="relu", padding="same", kernel_constraint=maxnorm(3)))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Flatten())
    model.add(Dense(512, activation="relu", kernel_constraint=maxnorm(3)))
    model.add(Dropout(0.5))
    model.add(Dense(num_classes, activation="softmax"))
    epochs, lrate = 3, 0.05
    sgd = SGD(learning_rate=lrate, momentum=0.9, nesterov=False)
    model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
    model.summary()
    assert "Total params: 4,210,090" in capsys.readouterr().out

    history = model.fit(x_train, y_train, validation_data=(x_test, y_test), epochs=epochs, batch_size=32, verbose=2)
    assert capsys.readouterr().out.count("val_accuracy") == epochs
    assert history.history["loss"][-1] < history.history["loss"][0]
    scores = model.evaluate(x_test, y_test, verbose=0)
    print("Accuracy: %.2f%%" % (scores[1] * 100))
    assert 0 <= scores[1] <= 1
    assert np.linalg.norm(model.layers[5].get_weights()[0], axis=0).max() <= 3 + 1e-5


def test_the_bound_holds():
    """A rate that would throw the weights far out: columns end at the bound, not beyond."""
    x = np.linspace(-9, 9, 320, dtype="float32").reshape(32, 10)
    model = Sequential([Dense(4, input_dim=10, kernel_constraint=maxnorm(3)), Dense(1)])
    model.compile(loss="mae", optimizer=SGD(10.0))
    model.fit(x, x.sum(1), epochs=3, verbose=0)
    norms = np.linalg.norm(model.layers[0].get_weights()[0], axis=0)
    assert norms.max() <= 3 + 1e-5
    assert norms.max() > 2.99
