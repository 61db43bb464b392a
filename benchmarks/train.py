"""Training steps beside PyTorch: forward, loss, backward and SGD with momentum, in images per second.

    python benchmarks/train.py --threads 1,2 --batch 32,128 --json train.json

edgenet runs `Model.train_on_batch` on arrays; PyTorch runs eagerly, as its tutorials do, on tensors in channels_last
memory that are already there, and reads the loss after each step, as `train_on_batch` does.  Both begin with the same
weights, and the losses of the first `STEPS` steps must agree before anything is timed.  "loss" is the loss after these.
Without PyTorch only edgenet is measured.  "ratio" is edgenet's images per second by PyTorch's.  `_measure.py` tells how
times are taken.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np

from _measure import Contestant, Pace, Report, chosen, measure, pace, parser, ratio, spread, threads
from _networks import NETWORKS, Network, edgenet_model
from _peers import installed

COLUMNS = {
    "network": "<24", "batch": "5", "threads": "7", "edgenet ms": "10.2f", "images/s": "9.0f", "peer": "<8",
    "peer ms": "9.2f", "peer images/s": "13.0f", "ratio": "6.2f", "best": "6.2f", "spread": "6.0%", "loss": "7.4f",
}  # fmt: skip

LEARNING_RATE, MOMENTUM = 0.01, 0.9
#: steps whose losses are compared, and how far they may differ: rounding grows from step to step
STEPS, AGREE = 4, 2e-3


def batch_of(network: Network, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Random images, and labels that depend on them, so that the loss falls."""
    generator = np.random.default_rng(size)
    x = generator.standard_normal((size, *network.shape)).astype(np.float32)
    y = (x.reshape(size, -1)[:, : network.classes]).argmax(1).astype(np.int32)
    return x, y


def compiled(network: Network) -> Any:
    """The network as an edgenet model, ready to be trained."""
    from edgenet import losses, optimizers, utils

    utils.set_random_seed(1)
    model = edgenet_model(network)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizers.SGD(LEARNING_RATE, momentum=MOMENTUM), loss=loss)
    return model


def weights_by_kind(model: Any) -> dict[str, list[np.ndarray]]:
    """The arrays of a model's layers, as `_torch_networks.torch_module` takes them."""
    kinds = {"Conv2D": "conv", "DepthwiseConv2D": "conv", "Dense": "dense", "BatchNormalization": "norm"}
    found: dict[str, list[np.ndarray]] = {kind: [] for kind in kinds.values()}
    for layer in model.layers:
        if layer.get_weights():
            found[kinds[type(layer).__name__]] += layer.get_weights()
    return found


def losses_agree(network: Network, size: int, report: Report) -> float | None:
    """Train both for a few steps; the loss after them, None where they part."""
    x, y = batch_of(network, size)
    model = compiled(network)
    weights = weights_by_kind(model)
    ours = [_loss(model.train_on_batch(x, y)) for _ in range(STEPS + 1)]
    if installed("torch"):
        from _torch_networks import Trainer, torch_module

        trainer = Trainer(torch_module(network, weights, exact=True), LEARNING_RATE, MOMENTUM, x, y)
        theirs = [trainer.step() for _ in range(STEPS + 1)]
        if not np.allclose(ours, theirs, rtol=AGREE, atol=AGREE):
            report.fail(f"{network.name}, batch {size}: losses of edgenet {_list(ours)}, of pytorch {_list(theirs)}")
            return None
    return ours[-1]


def _loss(result: Any) -> float:
    return float(result[0] if isinstance(result, list | tuple) else result)


def _list(numbers: list[float]) -> str:
    return ", ".join(f"{v:.4f}" for v in numbers)


def compare(network: Network, size: int, count: int, pace: Pace) -> dict[str, Any]:
    """Measure both on `count` threads."""
    x, y = batch_of(network, size)
    model = compiled(network)
    ours = Contestant("edgenet", lambda: model.train_on_batch(x, y))
    contestants = [ours]
    if installed("torch"):
        from _torch_networks import Trainer, torch_module

        contestants.append(
            Contestant("pytorch", Trainer(torch_module(network, weights_by_kind(model)), LEARNING_RATE, MOMENTUM, x, y).step)
        )
    with threads(count):
        measure(contestants, pace)
    row: dict[str, Any] = {"edgenet ms": ours.median * 1e3, "images/s": size / ours.median, "edgenet_s": ours.seconds}
    row["spread"] = spread(contestants)
    for theirs in contestants[1:]:
        row |= {"peer": theirs.name, "peer ms": theirs.median * 1e3, "peer images/s": size / theirs.median}
        row |= {"peer_s": theirs.seconds, "ratio": ratio(ours, theirs), "best": theirs.best / ours.best}
    return row


def main(arguments: list[str] | None = None) -> int:
    p = parser(__doc__)
    p.add_argument("--batch", default="32,128", help="batch sizes, separated by commas (32,128)")
    options: argparse.Namespace = p.parse_args(arguments)
    report = Report("Training steps", COLUMNS, options)
    if not installed("torch"):
        print("torch is not installed: its columns stay empty")
    report.head()
    small = ("MLP 784-512-512-10", "LeNet-5", "ResNet-8", "DS-CNN")
    for network in NETWORKS.values():
        if not chosen(options, network.name) or (options.fast and network.name not in small):
            continue
        for size in [4] if options.fast else [int(t) for t in options.batch.split(",")]:
            loss = losses_agree(network, size, report)
            if loss is None:
                continue
            for count in options.threads:
                row = {"network": network.name, "batch": size, "threads": count, "loss": loss}
                report.add(row | compare(network, size, count, pace(options)), network.name)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
