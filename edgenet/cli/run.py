"""``edgenet run``: run a model on arrays in files."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from .files import add_inputs, add_threads, arrays, converters, opened, shape_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("model", metavar="MODEL", help="an ONNX file, a Keras file, or one of model.save")
    add_inputs(parser, required=True)
    parser.add_argument("--output", metavar="FILE", help="an .npy file for the single output, or an .npz file for all")
    add_threads(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    suffix = Path(options.output).suffix.lower() if options.output else ""
    if options.output:
        if suffix not in (".npy", ".npz"):
            raise ValueError(f"--output should end in .npy or .npz, got {options.output!r}")
        if not Path(options.output).parent.is_dir():
            raise FileNotFoundError(f"cannot write {options.output}: there is no folder {Path(options.output).parent}")
    (sessions,) = converters("session")
    session = sessions.InferenceSession(opened(options.model), threads=options.threads)
    names = [o.name for o in session.get_outputs()]
    if suffix == ".npy" and len(names) > 1:
        raise ValueError(f"the model has {len(names)} outputs {names}: write them into an .npz file")
    results = dict(zip(names, session.run(None, arrays(options.input, session.get_inputs())), strict=True))
    if suffix == ".npy":
        np.save(options.output, results[names[0]])
    elif suffix == ".npz":
        with open(options.output, "wb") as file:  # a path would have to bear no other name than NumPy likes
            np.savez(file, allow_pickle=False, **results)
    for name, y in results.items():
        print(f"{name} {y.dtype} {shape_text(y.shape)}{_told(y)}")
        if not options.output:
            print(np.array2string(y, threshold=64, precision=6))
    return 0


def _told(y: np.ndarray) -> str:
    if not y.size or y.dtype.kind not in "fiu":
        return ""
    return f" from {y.min():.6g} to {y.max():.6g}, mean {y.mean(dtype=np.float64):.6g}"
