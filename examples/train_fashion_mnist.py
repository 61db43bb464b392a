"""Train a CNN on Fashion-MNIST, save it, export it to ONNX.

    python examples/train_fashion_mnist.py --data DIR

DIR holds the four files of the data set as published; without --data they are looked for in the cache folder and
downloaded if need be.  ``--fast`` trains for a minute's test on a part of the data, generated if there is none.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import edgenet
from edgenet import layers
from edgenet.datasets import fashion_mnist, shapes


def build_model() -> edgenet.Model:
    """Two convolutions with pooling, two dense layers: 421,642 weights."""
    return edgenet.Sequential(
        [
            edgenet.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.4),
            layers.Dense(10, activation="softmax"),
        ],
        name="fashion",
    )


def load(data: str | None, fast: bool) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Pictures scaled to [0, 1] with one channel, and labels."""
    if fast and data is None:
        train, test = shapes.load_data(n_train=2000, n_test=500)
    else:
        train, test = fashion_mnist.load_data(data)
    if fast:
        train, test = (train[0][:2000], train[1][:2000]), (test[0][:500], test[1][:500])
    scaled = [(x.reshape(-1, 28, 28, 1).astype(np.float32) / 255, y) for x, y in (train, test)]
    return scaled[0], scaled[1]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a CNN on Fashion-MNIST.")
    parser.add_argument("--data", metavar="DIR", help="folder with the four files of the data set")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--output", type=Path, help="folder for model files (default: a temporary one)")
    parser.add_argument("--fast", action="store_true", help="one epoch on a small part of the data")
    options = parser.parse_args()

    edgenet.utils.set_random_seed(1)
    (x, y), (x_test, y_test) = load(options.data, options.fast)
    model = build_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()

    epochs = 1 if options.fast else options.epochs
    started = time.perf_counter()
    for rate, share in ((1e-3, 0.6), (3e-4, 0.25), (1e-4, 0.15)):  # the learning rate falls in two steps
        model.optimizer.learning_rate = rate
        part = max(1, round(epochs * share))
        model.fit(x, y, batch_size=options.batch_size, epochs=part, validation_data=(x_test, y_test))
        if options.fast:
            break
    seconds = time.perf_counter() - started
    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test loss {loss:.4f}, test accuracy {accuracy:.2%}, {seconds / epochs:.1f} s an epoch")

    folder = options.output or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "fashion.edgenet")
    model.export(folder / "fashion.onnx")
    again = edgenet.load_model(folder / "fashion.edgenet")
    assert np.array_equal(again.predict(x_test[:100], verbose=0), model.predict(x_test[:100], verbose=0))
    print(f"saved {folder / 'fashion.edgenet'} and {folder / 'fashion.onnx'}")


if __name__ == "__main__":
    main()
