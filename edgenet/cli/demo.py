"""``edgenet demo``: from nothing to a trained, exported, verified and timed model in under a minute."""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import edgenet
from edgenet import layers
from edgenet.callbacks.progress import tell_compiling
from edgenet.datasets import shapes
from edgenet.kernels.compiler import announcing

from . import positive
from .timing import Contestant, race


def build_model() -> Any:
    """A CNN of 105,866 weights for pictures of 28 × 28 pixels and ten classes."""
    return edgenet.Sequential(
        [
            edgenet.Input((28, 28, 1)),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax"),
        ],
        name="demo",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--epochs", type=positive, default=6, help="passes over the training set (default: 6)")
    parser.add_argument("--images", type=positive, default=6000, help="size of the training set (default: 6000)")
    parser.add_argument("--threads", type=positive, help="number of threads (default: all cores this process may use)")
    parser.add_argument(
        "--output", default="edgenet_demo.onnx", metavar="FILE", help="the ONNX file (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and shuffling (default: 0)")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    demo(options.epochs, options.images, options.threads, options.output, options.seed)
    return 0


def demo(epochs: int, images: int, threads: int | None, output: str, seed: int) -> None:
    """Run the whole demonstration, telling what happens.

    Raises:
        FileNotFoundError: if there is no folder for `output`.
    """
    folder = Path(output).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot write {output}: there is no folder {folder}")
    if threads is not None:
        edgenet.set_num_threads(threads)
    edgenet.utils.set_random_seed(seed)
    started = time.perf_counter()
    (pictures, y), (test_pictures, y_test) = shapes.load_data(n_train=images, n_test=1000)
    x, x_test = (p.astype(np.float32) / np.float32(255) for p in (pictures, test_pictures))
    made_s = time.perf_counter() - started
    kinds = len(shapes.CLASS_NAMES)
    print(f"{len(x)} training and {len(x_test)} test pictures of {kinds} shapes, drawn in {made_s:.1f} s\n")

    model = build_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.summary()
    compiled_s = _first_step(model, x[:32], y[:32])
    print(f"\nfirst training step, with its kernels compiled or loaded from the cache: {compiled_s:.1f} s\n")
    started = time.perf_counter()
    model.fit(x, y, batch_size=32, epochs=epochs, validation_data=(x_test, y_test))
    trained_s = time.perf_counter() - started
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"\ntrained in {trained_s:.1f} s on {edgenet.get_num_threads()} threads, test accuracy {accuracy:.1%}")
    _export_and_compare(model, x_test, Path(output))


def _first_step(model: Any, x: np.ndarray, y: np.ndarray) -> float:
    """Seconds of one step from a standing start; weights and optimizer are put back afterwards."""
    weights = model.get_weights()
    started = time.perf_counter()
    with announcing(tell_compiling):
        model.train_on_batch(x, y)
    seconds = time.perf_counter() - started
    model.set_weights(weights)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return seconds


def _export_and_compare(model: Any, x: np.ndarray, path: Path) -> None:
    try:
        import onnxruntime
    except ImportError:
        print('\nonnx and onnxruntime are not installed: pip install "edgenet[onnx]" to export, verify and compare')
        return
    model.export(path)
    print(f"exported to {path} ({path.stat().st_size / 1024:.0f} KiB)\n")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = edgenet.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    rows = []
    for batch in (1, 32):
        part = np.ascontiguousarray(x[:batch])
        ours, theirs = model.predict_on_batch(part), session.run(None, {name: part})[0]
        difference = float(np.abs(ours - theirs).max())
        seconds = race(
            [
                Contestant("edgenet", partial(model.predict_on_batch, part)),
                Contestant("onnxruntime", partial(session.run, None, {name: part})),
            ]
        )
        rows.append((batch, seconds["edgenet"], seconds["onnxruntime"], difference))
    print(f"{'batch':>5}  {'edgenet':>12}  {'onnxruntime':>12}  {'speed':>6}  {'largest difference':>18}")
    for batch, ours_s, theirs_s, difference in rows:
        speed = f"{theirs_s / ours_s:.2f}×"
        print(f"{batch:>5}  {ours_s * 1e6:>9.1f} µs  {theirs_s * 1e6:>9.1f} µs  {speed:>6}  {difference:>18.1e}")
    if max(row[3] for row in rows) > 1e-4:
        raise ValueError("the exported model does not agree with edgenet to 1e-4; please report this")
