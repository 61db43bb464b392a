"""``edgenet bench``: how long a run of a model takes, with onnxruntime taking turns."""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import Any

import numpy as np

import edgenet

from . import positive
from .files import add_inputs, add_model, add_threads, arrays, converters, opened, shapes, size_text, table
from .timing import Contestant, laps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    add_model(parser)
    add_inputs(parser, required=False)
    add_threads(parser)
    parser.add_argument("--batch", type=positive, default=1, help="size of the batch, where it is open (default: 1)")
    parser.add_argument("--rounds", type=positive, default=9, help="turns of each contestant (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=0.2, help="length of a turn (default: %(default)s)")
    parser.add_argument("--alone", action="store_true", help="without onnxruntime")
    parser.add_argument("--profile", action="store_true", help="the time of every node as well")
    parser.add_argument("--json", metavar="FILE", help="write the figures into a file too")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    if not 0 < options.seconds <= 60:
        raise ValueError(f"--seconds should be a number up to 60, got {options.seconds:g}")
    model = opened(options.model)
    compare, sessions, describe = converters("compare", "session", "describe")
    threads = options.threads or edgenet.get_num_threads()
    session = sessions.InferenceSession(model, threads=threads)
    infos = session.get_inputs()
    given = shapes(options.shape, [i.name for i in infos])
    feeds = arrays(options.input, infos) if options.input else compare.feeds_for(model, given, options.batch)
    contestants = [Contestant("edgenet", partial(session.run, None, feeds))]
    peer = None if options.alone else _peer(compare, model, threads)
    if peer is not None:
        contestants.append(Contestant("onnxruntime", partial(peer.run, None, feeds)))
    with np.errstate(all="ignore"):
        times = {
            name: np.concatenate(runs) for name, runs in laps(contestants, options.rounds, options.seconds).items()
        }
    work = [n.macs for n in describe.describe(model, {n: a.shape for n, a in feeds.items()}, options.batch)]
    flops = None if None in work or not any(work) else 2 * sum(work)
    memory = session.memory().peak_bytes
    found = {name: _figures(runs, flops) for name, runs in times.items()}
    print(f"{options.model}: {_shapes(feeds)}, {threads} threads, {options.rounds} turns of {options.seconds:g} s")
    rows = [
        (
            name, f"{f['p50_s'] * 1e3:.3f}", f"{f['p90_s'] * 1e3:.3f}",
            f"{f['gflops']:.1f}" if "gflops" in f else "?",
            size_text(memory) if name == "edgenet" else "",
        )
        for name, f in found.items()
    ]  # fmt: skip
    print(table(("", "p50 ms", "p90 ms", "GFLOP/s", "memory"), rows, right=(1, 2, 3, 4)))
    if peer is not None:
        print(f"edgenet takes {found['edgenet']['p50_s'] / found['onnxruntime']['p50_s']:.2f}× onnxruntime's time")
    if options.profile:
        print(f"\n{session.profile(feeds)}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"threads": threads, "memory_bytes": memory, "times": found}, file, indent=1)
    return 0


def _peer(compare: Any, model: Any, threads: int) -> Any:
    """A session of onnxruntime; None, which is said, where there is none."""
    try:
        return compare.onnxruntime_session(model, threads)
    except (ImportError, ValueError) as error:
        print(f"without onnxruntime: {error}")
        return None


def _figures(runs: np.ndarray, flops: int | None) -> dict[str, float]:
    p50, p90 = (float(p) for p in np.percentile(runs, [50, 90]))
    return {"p50_s": p50, "p90_s": p90} | ({} if flops is None else {"gflops": flops / p50 / 1e9})


def _shapes(feeds: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {list(a.shape)}" for name, a in feeds.items())
