"""Fine tuning: a network that knows seven kinds of clothing learns three more from a handful of pictures.

    python examples/fine_tuning.py --data DIR

DIR holds the four files of Fashion-MNIST as published; without --data they are looked for in the cache folder and
downloaded if need be.  The steps: train on seven classes, save, load, freeze, replace the head, fit, unfreeze at a low
rate.  ``--fast`` does the same in a few seconds with a part of the data, or with generated pictures if there is none.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

import edgenet
from edgenet import layers
from edgenet.datasets import fashion_mnist, shapes

#: trouser, dress, bag: what the network has not seen when it is saved
NEW = [1, 3, 8]
OLD = [c for c in range(10) if c not in NEW]

Pictures = tuple[np.ndarray, np.ndarray]


def load(data: str | None, fast: bool) -> tuple[Pictures, Pictures]:
    """Pictures scaled to [0, 1] with one channel, and labels."""
    if fast and data is None:
        train, test = shapes.load_data(n_train=3000, n_test=600)
    else:
        train, test = fashion_mnist.load_data(data)
    count, tests = (3000, 600) if fast else (20000, 10000)
    train, test = (train[0][:count], train[1][:count]), (test[0][:tests], test[1][:tests])
    scaled = [(x.reshape(-1, 28, 28, 1).astype(np.float32) / 255, y) for x, y in (train, test)]
    return scaled[0], scaled[1]


def only(pictures: Pictures, classes: list[int], each: int | None = None) -> Pictures:
    """The pictures of some classes (the first `each` of every class), labelled with the place in `classes`."""
    x, y = pictures
    rows = np.sort(np.concatenate([np.flatnonzero(y == c)[:each] for c in classes]))
    return x[rows], np.array([classes.index(c) for c in y[rows]])


def build_model(classes: int) -> edgenet.Model:
    """Three convolutions that see, and two dense layers that decide."""
    return edgenet.Sequential(
        [
            edgenet.Input((28, 28, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu", name="mix"),
            layers.Dense(classes, activation="softmax", name="head"),
        ]
    )


def compile_for(model: edgenet.Model, rate: float) -> None:
    model.compile(edgenet.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Teach a trained network new classes.")
    parser.add_argument("--data", metavar="DIR", help="folder with the four files of the data set")
    parser.add_argument("--each", type=int, default=5, help="pictures of each new class (default: 5)")
    parser.add_argument("--fast", action="store_true", help="few epochs on a small part of the data")
    options = parser.parse_args()
    long, short = (4, 10) if options.fast else (4, 40)

    edgenet.utils.set_random_seed(3)
    train, test = load(options.data, options.fast)
    x, y = only(train, NEW, options.each)
    new_test = only(test, NEW)
    print(f"{len(only(train, OLD)[0])} pictures of {len(OLD)} classes, {len(x)} of {len(NEW)} new ones")

    # what the few pictures are worth alone
    scratch = build_model(len(NEW))
    compile_for(scratch, 1e-3)
    scratch.fit(x, y, batch_size=16, epochs=2 * short, verbose=0)
    print(f"from scratch            test accuracy {scratch.evaluate(*new_test, verbose=0)[1]:.2%}")

    # a network that has seen much, in a file
    base = build_model(len(OLD))
    compile_for(base, 1e-3)
    base.fit(*only(train, OLD), batch_size=64, epochs=long, verbose=0)
    print(f"the seven old classes   test accuracy {base.evaluate(*only(test, OLD), verbose=0)[1]:.2%}")
    file = Path(tempfile.mkdtemp()) / "base.edgenet"
    base.save(file)

    # load it, freeze what sees, replace both dense layers by a new head
    model = edgenet.load_model(file)
    model.pop()
    model.pop()
    for layer in model.layers:
        layer.trainable = False
    model.add(layers.Dense(len(NEW), activation="softmax", name="new_head"))
    before = [w.numpy() for layer in model.layers[:-1] for w in layer.weights]
    compile_for(model, 3e-3)
    model.fit(x, y, batch_size=16, epochs=short, verbose=0)
    print(f"a new head alone        test accuracy {model.evaluate(*new_test, verbose=0)[1]:.2%}")
    after = [w.numpy() for layer in model.layers[:-1] for w in layer.weights]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    print(f"frozen: {sum(a.size for a in before)} weights, not a bit of which has changed")

    # unfreeze, and go on at a low rate: the head no longer pulls the rest apart
    model.trainable = True
    compile_for(model, 1e-4)
    model.fit(x, y, batch_size=16, epochs=short, verbose=0)
    print(f"fine-tuned              test accuracy {model.evaluate(*new_test, verbose=0)[1]:.2%}")


if __name__ == "__main__":
    main()
