"""The first lecture: a network of dense layers for handwritten digits, in the words of its slides."""

import numpy as np
import pytest
from slides.pictures import digits

from edgenet.layers import Activation, Dense, Dropout
from edgenet.models import Sequential, load_model
from edgenet.optimizers import SGD
from edgenet.utils import to_categorical

(x_train, y_train), (x_test, y_test) = digits()


def test_layer_by_layer():
    model = Sequential()
    model.add(Dense(input_dim=28 * 28, output_dim=500))
    model.add(Activation("sigmoid"))
    model.add(Dense(output_dim=500))
    model.add(Activation("sigmoid"))
    model.add(Dense(output_dim=10))
    model.add(Activation("softmax"))
    assert model.count_params() == 784 * 500 + 500 + 500 * 500 + 500 + 500 * 10 + 10

    model.compile(loss="mse", optimizer=SGD(learning_rate=0.1), metrics=["accuracy"])
    x, y = x_train.reshape(600, 28 * 28).astype("float32") / 255, to_categorical(y_train, 10)
    history = model.fit(x, y, batch_size=100, epochs=2, verbose=0)
    assert sorted(history.history) == ["accuracy", "loss"]
    assert history.history["loss"][1] < history.history["loss"][0]


def test_a_better_recipe_learns_the_digits(capsys):
    x, y = x_train.reshape(-1, 784) / 255.0, to_categorical(y_train)  # float64, as NumPy divides
    model = Sequential(
        [Dense(64, input_shape=(784,), activation="relu"), Dropout(0.2), Dense(10, activation="softmax")]
    )
    model.summary()
    assert "Total params: 50,890" in capsys.readouterr().out
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=32, epochs=4, validation_split=0.2, shuffle=True)
    assert set(history.history) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert history.epoch == [0, 1, 2, 3]
    assert "Epoch 4/4" in capsys.readouterr().out

    score = model.evaluate(x_test.reshape(-1, 784) / 255.0, to_categorical(y_test), verbose=1)
    print("Test loss:", score[0])
    print("Test accuracy:", score[1])
    assert score[1] > 0.95

    probabilities = model.predict(x_test[:5].reshape(-1, 784) / 255.0)
    assert probabilities.shape == (5, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(np.argmax(probabilities, axis=1), y_test[:5])


def test_the_accuracy_is_the_second_figure():
    model = Sequential([Dense(10, input_dim=784), Activation("softmax")])
    model.compile(loss="categorical_crossentropy", optimizer=SGD, metrics=["accuracy"])  # the class, not an object
    x, y = x_test.reshape(-1, 784) / 255.0, to_categorical(y_test)
    accuracy = model.evaluate(x, y, verbose=1)[1]
    right = model.predict(x).argmax(1) == y_test
    assert accuracy == pytest.approx(right.mean(), abs=1e-6)
    assert model.metrics_names == ["loss", "accuracy"]


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_any_kind_of_numbers_is_taken(dtype):
    """Pictures that are not scaled are taken as they come: nothing divides by 255 behind one's back."""
    x = x_test.reshape(-1, 784).astype(dtype)
    model = Sequential([Dense(10, input_dim=784, activation="softmax")])
    kernel, bias = model.get_weights()
    z = x.astype("float64") @ kernel + bias
    expected = np.exp(z - z.max(1, keepdims=True))
    np.testing.assert_allclose(model.predict(x), expected / expected.sum(1, keepdims=True), atol=2e-3)
    model.compile(loss="sparse_categorical_crossentropy", optimizer="sgd")
    assert np.isfinite(model.fit(x, y_test, verbose=0).history["loss"]).all()


def test_a_line_that_numpy_refuses_and_the_one_to_write_instead():
    x = x_train.copy()
    with pytest.raises(TypeError, match="Cannot cast ufunc 'divide' output from dtype"):  # a sentence of NumPy
        x /= 255.0
    x = x / 255.0
    assert x.max() <= 1


def test_a_model_is_saved_as_h5(tmp_path, monkeypatch):
    pytest.importorskip("h5py", reason="h5py is not installed")
    monkeypatch.chdir(tmp_path)
    model = Sequential()
    model.add(Dense(input_dim=28 * 28, output_dim=50))
    model.add(Activation("sigmoid"))
    model.add(Dense(10, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.save("model" + ".h5")
    again = load_model("model" + ".h5")
    x, y = x_test.reshape(-1, 784) / 255.0, to_categorical(y_test)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
