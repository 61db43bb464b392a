"""How much memory running and training take, beside onnxruntime and PyTorch; Linux only.

    python benchmarks/memory.py --json memory.json

Each figure comes from a process of its own on one thread.  Inference: after the imports the peak is set back, the
model is loaded from the file's bytes and run 20 times at batch 1.  "growth" is by how much the resident memory grew
over what it was after the imports, at most; "total" is the peak itself, with Python and the libraries.  Training: the
same over 5 steps of SGD with momentum on a batch that is there before; "arena" is what edgenet planned for the values
of a step.  "share" is edgenet's growth by the peer's: below 1 edgenet takes less.

Last comes how much the resident memory still grows once everything is warm: over runs of a session and over training
steps of a small net (`--steps`).
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from _imagenet import IMAGENET
from _measure import chosen, geometric_mean, parser
from _networks import NETWORKS, Network, weights_by_kind
from _peers import installed
from _report import Report

COLUMNS = {
    "model": "<24", "what": "<22", "arena MB": "8.1f", "growth MB": "9.1f", "total MB": "8.1f", "peer": "<11",
    "peer growth MB": "14.1f", "peer total MB": "13.1f", "share": "6.2f",
}  # fmt: skip

RUNS, TRAINING_STEPS, TRAINED = 20, 5, "ResNet-8"


# in the process that is measured -------------------------------------------------------------------------------------


def resident_mb(name: str) -> float:
    """`VmRSS`, what is resident now, or `VmHWM`, the most that ever was."""
    found = re.search(rf"^{name}:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


class Growth:
    """Sets the peak back, then tells how much was added to what is resident now."""

    def __init__(self) -> None:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")
        self.start = resident_mb("VmRSS")

    def told(self, **more: float) -> dict[str, float]:
        """Growth and peak so far."""
        peak = resident_mb("VmHWM")
        return {"growth MB": peak - self.start, "total MB": peak, **more}


def infer(who: str, path: str) -> dict[str, float]:
    """Load a model and run it."""
    if who == "edgenet":
        from edgenet import InferenceSession, set_num_threads

        set_num_threads(1)
        growth = Growth()
        session: Any = InferenceSession(Path(path).read_bytes())
    else:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        growth = Growth()
        session = onnxruntime.InferenceSession(Path(path).read_bytes(), options, providers=["CPUExecutionProvider"])
    feeds = {i.name: np.zeros([1, *i.shape[1:]], np.float32) for i in session.get_inputs()}
    for _ in range(RUNS):
        session.run(None, feeds)
    return growth.told()


def train(who: str, batch: int) -> dict[str, float]:
    """Train a few steps."""
    from train import LEARNING_RATE, MOMENTUM, batch_of, compiled

    import edgenet

    edgenet.set_num_threads(1)
    network = NETWORKS[TRAINED]
    x, y = batch_of(network, batch)
    if who == "edgenet":
        compiled(network).train_on_batch(x[:1], y[:1])  # whatever is loaded at the first use
        growth = Growth()
        model = compiled(network)
        for _ in range(TRAINING_STEPS):
            model.train_on_batch(x, y)
        arenas = [r.program.arena_bytes for r in model._programs.values()]
        return growth.told(**{"arena MB": sum(arenas) / 2**20})
    import torch
    from _torch_networks import Trainer, torch_module

    torch.set_num_threads(1)
    weights = weights_by_kind(compiled(network))
    Trainer(torch_module(network, weights), LEARNING_RATE, MOMENTUM, x[:1], y[:1]).step()
    growth = Growth()
    trainer = Trainer(torch_module(network, weights), LEARNING_RATE, MOMENTUM, x, y)
    for _ in range(TRAINING_STEPS):
        trainer.step()
    return growth.told()


def flat(what: str, steps: int) -> dict[str, float]:
    """Repeat something small; what the resident memory grows by after a tenth of the repetitions."""
    from onnx.parser import parse_model

    from edgenet import InferenceSession, Input, Sequential, layers

    x, y = np.ones((4, 8, 8, 2), np.float32), np.zeros((4, 3), np.float32)
    if what == "runs":
        text = '<ir_version: 8, opset_import: ["": 17]> tiny (float[N, 4] x) => (float[N, 4] y) { y = Relu(x) }'
        session, feeds = InferenceSession(parse_model(text)), {"x": np.ones((1, 4), np.float32)}
        step: Any = lambda: session.run(None, feeds)  # noqa: E731
    else:
        model = Sequential([Input((8, 8, 2)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU()])
        model.add(layers.Flatten())
        model.add(layers.Dense(3))
        model.compile("adam", "mse")
        step = lambda: model.train_on_batch(x, y)  # noqa: E731
    for _ in range(max(steps // 10, 1)):
        step()
    gc.collect()
    start = resident_mb("VmRSS")
    for _ in range(steps):
        step()
    return {"growth MB": resident_mb("VmRSS") - start}


MEASURED = {"infer": infer, "train": train, "flat": flat}


# in the process that asks --------------------------------------------------------------------------------------------


def measured(*arguments: Any) -> dict[str, float]:
    """What one of the functions above tells, called in a new process."""
    command = [sys.executable, __file__, "--in-process", json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"{arguments} ended with status {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(model: str, what: str, peer: str, *arguments: Any) -> dict[str, Any]:
    """A row: edgenet, and the peer where it is installed."""
    call, *rest = arguments
    row: dict[str, Any] = {"model": model, "what": what, **measured(call, "edgenet", *rest)}
    if installed(peer):
        theirs = measured(call, peer, *rest)
        row |= {"peer": peer, **{f"peer {key}": value for key, value in theirs.items()}}
        row["share"] = row["growth MB"] / theirs["growth MB"]
    return row


def models(options: argparse.Namespace) -> list[Network]:
    """The networks that the command line asks for."""
    found = [n for n in (NETWORKS | IMAGENET).values() if chosen(options, n.name)]
    return [n for n in found if n.name == "LeNet-5"] if options.fast else found


def main(arguments: list[str] | None = None) -> int:
    p = parser(__doc__)
    p.add_argument("--in-process", help=argparse.SUPPRESS)
    p.add_argument("--batch", type=int, default=128, help="images of a training step (128)")
    p.add_argument("--steps", type=int, default=10_000, help="training steps that should not grow; ten times the runs")
    options = p.parse_args(arguments)
    if options.in_process:
        call, *rest = json.loads(options.in_process)
        print(json.dumps(MEASURED[call](*rest)))
        return 0
    if not Path("/proc/self/clear_refs").exists():
        print("the peak of resident memory can only be set back on Linux", file=sys.stderr)
        return 1
    report = Report("Memory", COLUMNS, options)
    report.head()
    from models import exported

    with tempfile.TemporaryDirectory() as folder:
        for network in models(options):
            path = Path(folder) / "model.onnx"
            path.write_bytes(exported(network).content)
            measured("infer", "edgenet", str(path))  # compiles what the cache lacks
            report.add(compare(network.name, "inference, batch 1", "onnxruntime", "infer", str(path)), "inference")
    batch, steps = (2, 20) if options.fast else (options.batch, options.steps)
    if chosen(options, TRAINED):
        measured("train", "edgenet", batch)
        report.add(compare(TRAINED, f"training, batch {batch}", "torch", "train", batch), "training")
    for what, count in (("runs", 10 * steps), ("steps", steps)):
        if chosen(options, what):
            report.add(
                {"model": "a small net", "what": f"{count} more {what}", **measured("flat", what, count)}, "flat"
            )
    shares = [row["share"] for row in report.rows if row["what"].startswith("inference") and "share" in row]
    if shares:
        print(
            f"\nInference, geometric mean of the shares: {geometric_mean(shares):.2f}; the largest: {max(shares):.2f}"
        )
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
