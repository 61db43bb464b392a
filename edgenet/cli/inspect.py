"""``edgenet inspect``: what a model consists of, what it costs, and what of it is not supported.

The exit status is 1 if edgenet cannot run the model.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

import numpy as np

from . import positive
from .files import add_model, converters, opened, shape_text, shapes, size_text, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_model(parser)
    parser.add_argument("--batch", type=positive, default=1, help="size of the batch, where it is open (default: 1)")
    parser.add_argument("--no-nodes", action="store_true", help="leave out the table of nodes")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    model = opened(options.model)
    frames, describe, compare = converters("frame", "describe", "compare")
    frame = frames.Frame.of(model)
    given = shapes(options.shape, [i.name for i in frame.inputs])
    try:
        compare.bound_shapes(model, given, options.batch)
        bound = options.batch
    except ValueError as error:
        if given:
            raise
        bound = None
        print(f"sizes are open: {error} (--shape NAME=…)\n")
    _print_head(options.model, model, frame)
    nodes = describe.describe(model, given, bound)
    if not options.no_nodes:
        rows = [
            (n.name, n.op, shape_text(n.shape), f"{n.parameters:,}", "?" if n.macs is None else f"{n.macs:,}")
            for n in nodes
        ]
        print(table(("node", "operator", "shape", "parameters", "MACs"), rows, right=(3, 4)) + "\n")
    work = sum(n.macs or 0 for n in nodes)
    unknown = sum(n.macs is None for n in nodes)
    print(f"nodes       {len(nodes)}")
    print(f"parameters  {sum(n.parameters for n in nodes):,}")
    print(f"MACs        {work:,}" + (f", and those of {unknown} nodes whose shapes are not known" if unknown else ""))
    problems = _problems(model, given, bound)
    if not problems:
        print("\nedgenet can run this model")
        return 0
    print("\nedgenet cannot run this model:")
    for problem in problems:
        print(f"- {problem}")
    return 1


def _print_head(path: str, model: Any, frame: Any) -> None:
    opsets = ", ".join(f"{domain or 'onnx'} {version}" for domain, version in frame.opsets.items())
    made = f", made by {model.producer_name} {model.producer_version}".rstrip() if model.producer_name else ""
    print(f"{path}: {frame.name!r}, {size_text(os.path.getsize(path))}, IR {model.ir_version}, opset {opsets}{made}")
    frames, session = converters("frame", "session")
    for what, infos in (("input", frame.inputs), ("output", frame.outputs)):
        for info in infos:
            kind = session.node_arg(info).type if info.type.HasField("tensor_type") else "no tensor"
            shape = frames.declared_shape(info) if info.type.HasField("tensor_type") else None
            print(f"{what:<7} {info.name!r} {kind} {shape_text(shape)}")
    print()


def _problems(model: Any, given: Any, batch: int | None) -> list[str]:
    """What keeps edgenet from running the model; a run on made-up arrays also tells the memory."""
    errors, sessions, compare = converters("errors", "session", "compare")
    try:
        session = sessions.InferenceSession(model)
        if batch is None:
            return []
        feeds = compare.feeds_for(model, given, batch)
        with np.errstate(all="ignore"):
            session.run(None, feeds)
    except errors.UnsupportedModelError as error:
        return list(error.problems)
    except (errors.EvaluationError, TypeError, ValueError) as error:  # made-up numbers need not mean anything
        print(f"memory      not measured: {error}")
        return []
    m = session.memory()
    print(f"memory      {size_text(m.peak_bytes)}: weights {size_text(m.weights_bytes)}, ", end="")
    print(f"packed weights {size_text(m.packed_bytes)}, results of nodes {size_text(m.arena_bytes)}")
    return []
