"""Fine tuning of an ONNX file: a trained network of somebody else gets a new head, and goes back out as ONNX.

    python examples/finetune_onnx.py
    python examples/finetune_onnx.py --model network.onnx --data samples.npz

The .npz file holds samples x, as the network takes them (whole numbers become (x - zero) * scale), and labels y; a
quarter of it tests.  Without arguments a small network is trained on generated pictures of seven shapes and exported,
and what has been exported then learns the three other shapes.  ``--fast`` does the same in a few seconds.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import edgenet
from edgenet import layers
from edgenet.converters.onnx.verify import verify
from edgenet.datasets import shapes

NEW = [2, 5, 8]
OLD = [c for c in range(10) if c not in NEW]

Samples = tuple[np.ndarray, np.ndarray]


def only(samples: Samples, classes: list[int]) -> Samples:
    """The samples of some classes, labelled with the place in `classes`."""
    x, y = samples
    rows = np.flatnonzero(np.isin(y, classes))
    return x[rows], np.array([classes.index(c) for c in y[rows]])


def foreign_file(train: Samples, epochs: int, folder: Path) -> Path:
    """An ONNX file as others may have made it: (n, c, h, w), trained on seven shapes."""
    model = edgenet.Sequential(
        [
            edgenet.Input((28, 28, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same"),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(len(OLD), activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(*train, batch_size=64, epochs=epochs, verbose=0)
    model.export(folder / "foreign.onnx", layout="NCHW")
    return folder / "foreign.onnx"


def generated(fast: bool, folder: Path) -> tuple[Path, Samples, Samples]:
    """A file, and samples of classes that its network has not seen."""
    parts = shapes.load_data(n_train=2000 if fast else 6000, n_test=1000)
    train, test = ((x.reshape(-1, 28, 28, 1).astype(np.float32) / 255, y) for x, y in parts)
    file = foreign_file(only(train, OLD), 3 if fast else 8, folder)
    (x, y), (x_test, y_test) = only(train, NEW), only(test, NEW)
    turned = [a.transpose(0, 3, 1, 2) for a in (x, x_test)]
    return file, (turned[0][:200], y[:200]), (turned[1], y_test)


def stored(path: Path, scale: float, zero: int) -> tuple[Samples, Samples]:
    """The samples of a file: three quarters to learn from, the rest to test."""
    with np.load(path) as data:
        x, y = data["x"], data["y"]
    x = x.astype(np.float32) if x.dtype.kind == "f" else (x.astype(np.float32) - zero) * np.float32(scale)
    order = np.random.default_rng(0).permutation(len(x))
    cut = 3 * len(x) // 4
    return (x[order[:cut]], y[order[:cut]]), (x[order[cut:]], y[order[cut:]])


def main() -> None:
    parser = argparse.ArgumentParser(description="Give the network of an ONNX file a new head.")
    parser.add_argument("--model", type=Path, metavar="FILE", help="an ONNX file with one input and one output")
    parser.add_argument("--data", type=Path, metavar="FILE", help="an .npz file with samples x and labels y")
    parser.add_argument("--scale", type=float, default=1.0, help="of whole numbers in x (default: 1)")
    parser.add_argument("--zero", type=int, default=0, help="which whole number in x means 0 (default: 0)")
    parser.add_argument("--output", type=Path, help="the new ONNX file (default: in a temporary folder)")
    parser.add_argument("--fast", action="store_true", help="a few epochs on few samples")
    options = parser.parse_args()
    if (options.model is None) != (options.data is None):
        parser.error("--model and --data go together")

    edgenet.utils.set_random_seed(5)
    folder = Path(tempfile.mkdtemp())
    if options.model is None:
        file, train, test = generated(options.fast, folder)
    else:
        file, (train, test) = options.model, stored(options.data, options.scale, options.zero)

    # the file as a model: its layers bear the names of its nodes
    base = edgenet.load(file)
    if options.model is not None:
        right = base.predict(test[0], verbose=0).reshape(len(test[1]), -1).argmax(1) == test[1]
        print(f"the head of the file    accuracy {right.mean():.2%}")

    # freeze all of it, cut off the last layer, and put a new one in its place
    for layer in base.layers:
        layer.trainable = False
    features = layers.Flatten()(base.layers[-2].output)
    head = layers.Dense(int(train[1].max()) + 1, activation="softmax", name="new_head")
    model = edgenet.Model(base.input, head(features))
    frozen = [w for layer in model.layers if layer is not head for w in layer.weights]
    before = [w.numpy() for w in frozen]
    model.compile(edgenet.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    print(f"a new head, untrained   accuracy {model.evaluate(*test, verbose=0)[1]:.2%}")
    model.fit(*train, batch_size=32, epochs=10 if options.fast else 40, verbose=0)
    print(f"a new head, trained     test accuracy {model.evaluate(*test, verbose=0)[1]:.2%}")
    assert all(np.array_equal(a, w.numpy()) for a, w in zip(before, frozen, strict=True))
    print(f"frozen: {sum(a.size for a in before)} numbers, not a bit of which has changed")

    # back out; `export` has compared the file with onnxruntime already, here are its figures
    output = options.output or folder / "tuned.onnx"
    model.export(output)
    worst = max(d.relative for d in verify(output))
    print(f"{output}: onnxruntime differs by {worst:.1e} at most, relative to the largest number")


if __name__ == "__main__":
    main()
