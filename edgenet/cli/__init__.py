"""The ``edgenet`` command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from edgenet import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="edgenet", description="Small neural networks on CPUs.")
    parser.add_argument("--version", action="version", version=f"edgenet {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    demo = commands.add_parser(
        "demo",
        help="train a small CNN on generated pictures, export it to ONNX, check and time it beside onnxruntime",
        description="Train a small CNN on generated pictures, export it to ONNX, check and time it beside onnxruntime.",
    )
    demo.add_argument("--epochs", type=_positive, default=6, help="passes over the training set (default: 6)")
    demo.add_argument("--images", type=_positive, default=6000, help="size of the training set (default: 6000)")
    demo.add_argument("--threads", type=_positive, help="number of threads (default: all cores this process may use)")
    demo.add_argument(
        "--output", default="edgenet_demo.onnx", metavar="FILE", help="the ONNX file (default: %(default)s)"
    )
    demo.add_argument("--seed", type=int, default=0, help="seed of weights and shuffling (default: 0)")
    options = parser.parse_args(argv)
    from .demo import demo as run

    try:
        run(options.epochs, options.images, options.threads, options.output, options.seed)
    except (OSError, ValueError) as error:
        print(f"edgenet {options.command}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _positive(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return number
