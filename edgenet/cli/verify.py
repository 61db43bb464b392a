"""``edgenet verify``: does edgenet compute what onnxruntime computes?

The exit status is 1 where they differ by more than 1e-4, relative to the largest number of an output.
"""

from __future__ import annotations

import argparse
from typing import Any

from . import positive
from .files import add_inputs, add_model, arrays, converters, opened, shapes, table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_model(parser)
    add_inputs(parser, required=False)
    parser.add_argument(
        "--batch", type=positive, action="append", help="size of the batch, where it is open (default: 1, 2 and 7)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the numbers in the inputs (default: 0)")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    model = opened(options.model)
    compare, sessions = converters("compare", "session")
    infos = sessions.InferenceSession(model).get_inputs()
    given = shapes(options.shape, [i.name for i in infos])
    found, worst, worst_feeds = [], 0.0, None
    for batch, feeds in _feeds(options, model, infos, given, compare):
        for difference in compare.compare(model, feeds, batch):
            found.append(difference)
            if difference.relative > max(worst, compare.AGREE):
                worst, worst_feeds = difference.relative, feeds
    rows = [("given" if d.batch is None else str(d.batch), d.output, f"{d.relative:.2e}") for d in found]
    print(table(("batch", "output", "difference"), rows, right=(0, 2)))
    if worst_feeds is None:
        print(f"\nedgenet agrees with onnxruntime to {compare.AGREE:g}")
        return 0
    print(f"\nedgenet differs from onnxruntime by {worst:.3g}")
    parting = compare.first_parting(model, worst_feeds)
    if parting is None:
        print("no single node does where all results are kept: onnxruntime's or edgenet's passes make the difference")
    else:
        print(f"the first node that differs: {parting.node}, in {parting.output!r} by {parting.relative:.3g}")
    return 1


def _feeds(options: argparse.Namespace, model: Any, infos: Any, given: Any, compare: Any) -> list[tuple[Any, Any]]:
    """The arrays to compare on, and their batch."""
    if options.input:
        return [(None, arrays(options.input, infos))]
    made = [(b, compare.feeds_for(model, given, b, options.seed)) for b in options.batch or (1, 2, 7)]
    same = all({n: a.shape for n, a in f.items()} == {n: a.shape for n, a in made[0][1].items()} for _, f in made)
    if not same:
        return made
    sizes = [a.shape[0] for a in made[0][1].values() if a.ndim]
    return [(sizes[0] if sizes else None, made[0][1])]
