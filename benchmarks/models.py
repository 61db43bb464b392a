"""Whole models beside onnxruntime, both from the same ONNX file.

    python benchmarks/models.py --batch 1,32 --threads 1,2 --profile --json models.json
    python benchmarks/models.py mine.onnx other.onnx

Without files: the networks of `_networks.py` and `_imagenet.py`, built from edgenet's layers and exported (channels
first, as other exporters write), and pretrained models of the folder that EDGENET_SHARED names (else ``shared`` beside
the checkout), where there is one.  Both sides take arrays and give arrays (`Program.run`, `InferenceSession.run`).
Inputs are those of the file ``NAME.input.npz`` beside a model, else random numbers.  A model whose batch is fixed is
run at that batch.

``--profile`` adds a table of edgenet's steps for each model, on one thread; "GFLOP/s" is that of a node's steps
together and stands in the last of them.  "ratio" is onnxruntime's time by edgenet's: above 1 edgenet is faster.  The
JSON file also has what it took from the file's bytes to the first result (`…_ready_s`; edgenet's kernels
come from their cache, if they were compiled before) and the size of edgenet's arena.  `_measure.py` tells how times are
taken.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from _imagenet import IMAGENET
from _measure import AGREE, ROOT, Contestant, chosen, difference, measure, pace, parser, ratio, spread, threads
from _networks import NETWORKS, Network, edgenet_model
from _peers import installed, onnxruntime_plain
from _report import Report

from edgenet.compile import compile_graph
from edgenet.compile.program import Program
from edgenet.graph import get_op

COLUMNS = {
    "model": "<24", "batch": "5", "threads": "7", "edgenet µs": "10.1f", "GFLOP/s": "7.1f", "peer": "<11",
    "peer µs": "9.1f", "ratio": "6.2f", "best": "6.2f", "spread": "6.0%", "differs": "7.0e",
}  # fmt: skip

#: ops whose GFLOP/s the profile shows
COMPUTING = ("conv2d", "dense")
#: models of the shared folder that are measured when no file is given
PRETRAINED = ("a03_resnet8_cifar10_nchw.onnx", "a07_ad_autoencoder_keras3export.onnx")


@dataclass
class Case:
    """An ONNX model, and inputs that are known to fit."""

    name: str
    content: bytes
    samples: list[np.ndarray] = field(default_factory=list)


def exported(network: Network) -> Case:
    """One of our networks as an ONNX model, with weights that keep the numbers near 1 from layer to layer."""
    from edgenet.converters.onnx import write

    model = edgenet_model(network)
    generator = np.random.default_rng(1)
    for layer in model.layers:
        for w in layer.weights:
            kind = w.name.rpartition("/")[2]
            if kind == "kernel":
                taps = w.shape[:2] if type(layer).__name__ == "DepthwiseConv2D" else w.shape[:-1]
                w.assign(generator.standard_normal(w.shape) * np.sqrt(2 / np.prod(taps)))
            elif kind in ("gamma", "moving_variance"):
                w.assign(generator.uniform(0.8, 1.2, w.shape))
            else:
                w.assign(generator.standard_normal(w.shape) * 0.1)
    return Case(network.name, write(model.graph(), layout="NCHW").SerializeToString())


def from_file(path: Path) -> Case:
    """A model with the weights and the inputs that lie beside it."""
    import onnx

    stored = path.with_suffix(".input.npz")
    samples = []
    if stored.exists():
        with np.load(stored) as arrays:
            samples = [arrays[f"in{i}"] for i in range(len(arrays.files))]
    return Case(path.stem, onnx.load(path).SerializeToString(), samples)


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """What the command line asks for."""
    shared = Path(os.environ.get("EDGENET_SHARED") or ROOT.parent / "shared") / "models"
    files = options.files or [shared / name for name in PRETRAINED if not options.fast and (shared / name).exists()]
    if not options.files:
        for network in (NETWORKS | IMAGENET).values():
            if chosen(options, network.name) and (not options.fast or network.name in ("LeNet-5", "DS-CNN")):
                yield exported(network)
    for path in files:
        if chosen(options, path.stem):
            yield from_file(path)


def feeds(case: Case, batch: int) -> dict[str, np.ndarray] | None:
    """Inputs by name at a batch size; None if the model is not for this size."""
    import onnx
    from onnx.helper import tensor_dtype_to_np_dtype

    from edgenet.converters.onnx.reader import graph_inputs

    generator = np.random.default_rng(batch)
    found: dict[str, np.ndarray] = {}
    for i, info in enumerate(graph_inputs(onnx.load_model_from_string(case.content))):
        dims = [max(d.dim_value, 0) for d in info.type.tensor_type.shape.dim]  # 0 where a size is open
        if dims and dims[0] not in (0, batch):
            return None
        if case.samples:
            sample = case.samples[i]
            found[info.name] = np.resize(sample, (batch, *sample.shape[1:]))
        elif 0 in dims[1:]:
            raise ValueError(f"{case.name}: the shape of {info.name} is open; put arrays in {case.name}.input.npz")
        else:
            dtype = tensor_dtype_to_np_dtype(info.type.tensor_type.elem_type)
            found[info.name] = generator.standard_normal((batch, *dims[1:])).astype(dtype)
    return found


def fixed_batch(case: Case) -> int | None:
    """The batch size of a model that has only one."""
    import onnx

    from edgenet.converters.onnx.reader import graph_inputs

    dims = graph_inputs(onnx.load_model_from_string(case.content))[0].type.tensor_type.shape.dim
    return dims[0].dim_value if dims and dims[0].dim_value > 0 else None


def loaded(case: Case, inputs: dict[str, np.ndarray]) -> Program:
    """The model as a program for these inputs."""
    from edgenet.converters.onnx import read

    graph = read(case.content, {name: x.shape for name, x in inputs.items()})
    return compile_graph(graph)


def compare(case: Case, batch: int, options: argparse.Namespace, report: Report) -> None:
    """One line for each number of threads, and the profile."""
    inputs = feeds(case, batch)
    if inputs is None:
        return
    start = time.perf_counter()
    program = loaded(case, inputs)
    results = program.run(*inputs.values())
    ready = time.perf_counter() - start
    flops = sum(get_op(n.op).cost(n).flops for n in program.graph.nodes)
    for count in options.threads:
        row: dict[str, Any] = {"model": case.name, "batch": batch, "threads": count, "edgenet_ready_s": ready}
        row |= {"flops": flops, "arena_bytes": program.arena_bytes, "constant_bytes": program.constant_bytes}
        ours = Contestant("edgenet", lambda: program.run(*inputs.values()))
        contestants = [ours]
        if installed("onnxruntime"):
            start = time.perf_counter()
            peer = onnxruntime_plain(case.content, inputs, count)
            wanted = peer.results()
            row |= {"peer_ready_s": time.perf_counter() - start}
            row["differs"] = max(difference(y, z) for y, z in zip(results, wanted, strict=True))
            if not row["differs"] < AGREE:
                report.fail(f"{case.name}, batch {batch}: edgenet and onnxruntime differ by {row['differs']:.1e}")
                report.add(row, case.name)
                continue
            contestants.append(Contestant(peer.name, peer.run))
        with threads(count):
            measure(contestants, pace(options))
        row |= {"edgenet µs": ours.median * 1e6, "edgenet_s": ours.seconds, "GFLOP/s": flops / ours.median / 1e9}
        row["spread"] = spread(contestants)
        for theirs in contestants[1:]:
            row |= {"peer": theirs.name, "peer µs": theirs.median * 1e6, "peer_s": theirs.seconds}
            row |= {"ratio": ratio(ours, theirs), "best": theirs.best / ours.best}
        report.add(row, case.name)
    if options.profile:
        report.extra.setdefault("profiles", []).append(profile(case, batch, program, options))


def profile(case: Case, batch: int, program: Program, options: argparse.Namespace) -> dict[str, Any]:
    """Print where the time goes, step by step."""
    steps = program.profile(2 if options.fast else 50)
    total = sum(seconds for _, seconds in steps)
    together: dict[int, float] = {}
    last: dict[int, Any] = {}
    for step, seconds in steps:
        together[id(step.node)] = together.get(id(step.node), 0.0) + seconds
        last[id(step.node)] = step
    print(f"\n  {case.name}, batch {batch}: {len(steps)} steps, {total * 1e6:.1f} µs on one thread")
    print(f"  {'node':<28}  {'output':<18}  {'kernel':<26}  {'tasks':>5}  {'µs':>8}  {'share':>5}  GFLOP/s")
    rows = []
    for step, seconds in steps:
        node, call = step
        counts = node.op.startswith(COMPUTING) and last[id(node)] is step
        rate = get_op(node.op).cost(node).flops / together[id(node)] / 1e9 if counts else None
        shape = "×".join(map(str, node.output.shape))
        rows.append({"node": node.name, "op": node.op, "output": shape, "kernel": call.kernel.name, "seconds": seconds})
        figure = f"{rate:7.1f}" if rate is not None else ""
        text = f"{node.name:<28}  {shape:<18}  {call.kernel.name:<26}  {call.tasks:5}  {seconds * 1e6:8.1f}  "
        print(f"  {text}{seconds / total:5.0%}  {figure}".rstrip())
    print()
    return {"model": case.name, "batch": batch, "steps": rows}


def main(arguments: list[str] | None = None) -> int:
    p = parser(__doc__)
    p.add_argument("files", nargs="*", type=Path, metavar="FILE.onnx")
    p.add_argument("--batch", default="1,32", help="batch sizes, separated by commas (1,32)")
    p.add_argument("--profile", action="store_true", help="show the time of each of edgenet's steps")
    options = p.parse_args(arguments)
    if not installed("onnx"):
        print("onnx is not installed: models cannot be read (pip install edgenet[onnx])", file=sys.stderr)
        return 1
    report = Report("Models", COLUMNS, options)
    if not installed("onnxruntime"):
        print("onnxruntime is not installed: its columns stay empty")
    report.head()
    sizes = [1] if options.fast else [int(t) for t in options.batch.split(",")]
    for case in cases(options):
        fixed = fixed_batch(case)
        for batch in sizes if fixed is None else [fixed]:
            try:
                compare(case, batch, options, report)
            except ValueError as error:  # a model that cannot be read says why; the others still count
                report.fail(f"{case.name}: {error}")
                break
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
