"""The ``edgenet`` command: one module a subcommand.

A module has `SUMMARY` (one line), `add_arguments(parser)` and `run(options)`, which prints and returns the exit status.
It is imported only when its command is the one given, so that ``edgenet --help`` answers at once.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from edgenet import __version__

#: the subcommands, each a module of this package, and what they do
COMMANDS = {
    "bench": "time a model, onnxruntime beside it",
    "convert": "write a model in another format: ONNX, Keras, or edgenet's own",
    "demo": "train a small CNN on generated pictures, export it to ONNX, check and time it beside onnxruntime",
    "doctor": "say what this machine offers and what is wrong with it, and what to do about it",
    "inspect": "show the nodes of a model, shapes, weights, work and memory, and what is not supported",
    "run": "run a model on arrays in .npy and .npz files",
    "verify": "compare a model with onnxruntime, and find the first node that differs",
    "warmup": "compile ahead of time the kernels that models, or the whole library, need",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = argparse.ArgumentParser(prog="edgenet", description="Small neural networks on CPUs.")
    parser.add_argument("--version", action="version", version=f"edgenet {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    given = next((a for a in argv if not a.startswith("-")), "")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name == given:
            import_module(f".{name}", __name__).add_arguments(command)
    options = parser.parse_args(argv)
    try:
        return int(import_module(f".{options.command}", __name__).run(options))
    except (ImportError, MemoryError, OSError, TypeError, ValueError) as error:
        print(f"edgenet {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def positive(text: str) -> int:
    """A whole number of at least 1, for `add_argument(type=…)`."""
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return number
