"""Whole models beside onnxruntime, OpenVINO, PyTorch and TensorFlow Lite.

    python benchmarks/models.py --batch 1,32 --threads 1,2 --profile --json models.json
    python benchmarks/models.py mine.onnx other.onnx --peers onnxruntime

Without files: the networks of `_networks.py` and `_imagenet.py`, built from edgenet's layers and exported (channels
first, as other exporters write); pretrained models of the folder that EDGENET_SHARED names (else ``shared`` beside the
checkout), where there is one; and a model of one Relu on four numbers, which shows what a call costs.  edgenet and
onnxruntime take arrays and give arrays, through the same call (`InferenceSession.run`); so does TensorFlow Lite, to
which a Keras model with the same weights was converted.  OpenVINO and PyTorch (eager, channels last) read the arrays
where they are.  TensorFlow Lite and PyTorch run only networks of ours.  Inputs are those of the file ``NAME.input.npz``
beside a model, else random numbers.  A model whose batch is fixed is run at that batch.

"peak" is the share of the multiply-add peak that was measured on as many threads before (`_peak.py`).  "ratio" is the
peer's time by edgenet's: above 1 edgenet is faster; the geometric means at the end are upside down.  ``--profile`` adds
a table of edgenet's steps for each model, on one thread (`_profile.py`).  The JSON file also has what it took from the
file's bytes to the first result (`…_ready_s`; edgenet's kernels come from their cache, if they were compiled before)
and the size of edgenet's arena.  `_measure.py` tells how times are taken.
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
from _measure import AGREE, ROOT, Contestant, chosen, difference, measure, pace, parser, threads
from _networks import NETWORKS, Network, edgenet_model, keras_model, weights_by_kind
from _peak import tell_peaks
from _peers import Peer, installed, onnxruntime_plain, openvino, peers_of, pytorch, settle_tensorflow, tflite
from _profile import profile
from _report import Report

from edgenet import InferenceSession
from edgenet.compile.program import Program
from edgenet.graph import get_op

COLUMNS = {
    "model": "<24", "batch": "5", "threads": "7", "edgenet µs": "10.1f", "GFLOP/s": "7.1f", "peak": "5.0%",
    "peer": "<11", "peer µs": "9.1f", "ratio": "6.2f", "best": "6.2f", "spread": "6.0%", "differs": "7.0e",
}  # fmt: skip

#: peers, by the package that must be installed
PEERS = {"onnxruntime": "onnxruntime", "openvino": "openvino", "pytorch": "torch", "tflite": "ai_edge_litert"}
#: models of the shared folder that are measured when no file is given
PRETRAINED = ("a03_resnet8_cifar10_nchw.onnx", "a07_ad_autoencoder_keras3export.onnx")


@dataclass
class Case:
    """An ONNX model, and inputs that are known to fit."""

    name: str
    content: bytes
    samples: list[np.ndarray] = field(default_factory=list)
    network: Network | None = None
    """what it was exported from"""
    model: Any = None
    """edgenet's model of the network"""

    def programs(self, session: InferenceSession) -> list[Program]:
        """What a session compiled."""
        return [step.program for step in session._plan.steps() if hasattr(step, "program")]


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
    content = write(model.graph(), layout="NCHW").SerializeToString()
    return Case(network.name, content, network=network, model=model)


def empty() -> Case:
    """The model that computes next to nothing."""
    from onnx.parser import parse_model

    text = '<ir_version: 8, opset_import: ["": 17]> empty (float[N, 4] x) => (float[N, 4] y) { y = Relu(x) }'
    return Case("one Relu of 4", parse_model(text).SerializeToString())


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
        if chosen(options, "one Relu of 4"):
            yield empty()
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


def peers(case: Case, inputs: dict[str, np.ndarray], count: int, options: argparse.Namespace) -> Iterator[Peer]:
    """Those that can run a case, of those that were asked for and are installed."""
    wanted = [name for name in options.peers if installed(PEERS[name])]
    if "onnxruntime" in wanted:
        yield onnxruntime_plain(case.content, inputs, count)
    if "openvino" in wanted:
        yield openvino(case.content, inputs, count)
    if case.network is not None:
        (x,) = inputs.values()
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if x.ndim == 4 else x
        if "pytorch" in wanted:
            yield _pytorch(case, x)
        if "tflite" in wanted:
            settle_tensorflow()
            yield tflite(keras_model(case.network, case.model.get_weights(), len(x)), x, count)


def _pytorch(case: Case, x: np.ndarray) -> Peer:
    """Timed as users write it; what it computes is told by its exact double (see `_torch_networks`)."""
    from _torch_networks import torch_module

    weights = weights_by_kind(case.model)
    timed = pytorch(torch_module(case.network, weights).eval(), x)
    exact = pytorch(torch_module(case.network, weights, exact=True).eval(), x.astype(np.float64))
    return timed._replace(results=exact.results)


def compare(case: Case, batch: int, options: argparse.Namespace, report: Report) -> None:
    """One line for each peer and number of threads, and the profile."""
    inputs = feeds(case, batch)
    if inputs is None:
        return
    start = time.perf_counter()
    session = InferenceSession(case.content)
    results = session.run(None, inputs)
    ready = time.perf_counter() - start
    programs = case.programs(session)
    flops = sum(p.groups * get_op(n.op).cost(n).flops for p in programs for n in p.graph.nodes)
    for count in options.threads:
        row: dict[str, Any] = {"model": case.name, "batch": batch, "threads": count, "edgenet_ready_s": ready}
        row["counted"] = bool(options.files) or case.network is not None
        row |= {"flops": flops, "arena_bytes": sum(p.arena_bytes for p in programs)}
        row |= {"constant_bytes": sum(p.constant_bytes for p in programs)}
        ours, others, start = Contestant("edgenet", lambda: session.run(None, inputs)), [], time.perf_counter()
        with threads(count):
            for peer in peers(case, inputs, count, options):
                differs = max(difference(y, z) for y, z in zip(results, peer.results(), strict=True))
                row[f"{peer.name}_ready_s"] = time.perf_counter() - start
                row["differs"] = max(differs, row.get("differs", 0.0))
                if not differs < AGREE:
                    report.fail(f"{case.name}, batch {batch}: edgenet and {peer.name} differ by {differs:.1e}")
                others.append(Contestant(peer.name, peer.run))
                start = time.perf_counter()
            measure([ours, *others], pace(options))
        rate = flops / ours.median
        row |= {"GFLOP/s": rate / 1e9, "peak": rate / report.extra["peak_flops_per_s"][count]}
        report.add_all(row, ours, others, "µs")
    if options.profile:
        for program in programs:
            steps = profile(
                f"{case.name}, batch {batch}", program, 2 if options.fast else 50, report.extra["peak_flops_per_s"][1]
            )
            report.extra.setdefault("profiles", []).append({"model": case.name, "batch": batch, "steps": steps})


def main(arguments: list[str] | None = None) -> int:
    p = parser(__doc__)
    p.add_argument("files", nargs="*", type=Path, metavar="FILE.onnx")
    p.add_argument("--batch", default="1,32", help="batch sizes, separated by commas (1,32)")
    p.add_argument("--profile", action="store_true", help="show the time of each of edgenet's steps")
    p.add_argument(
        "--peers", type=peers_of(PEERS), default=list(PEERS), help=f"those to run beside ({','.join(PEERS)})"
    )
    options = p.parse_args(arguments)
    if not installed("onnx"):
        print("onnx is not installed: models cannot be read (pip install edgenet[onnx])", file=sys.stderr)
        return 1
    report = Report("Models", COLUMNS, options)
    if missing := [name for name in options.peers if not installed(PEERS[name])]:
        print(f"not installed: {', '.join(missing)}")
    counts = sorted({*options.threads, *([1] if options.profile else [])})
    report.extra["peak_flops_per_s"] = tell_peaks(counts, pace(options))
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
    report.means()
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
