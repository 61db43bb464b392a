"""Training steps beside PyTorch: forward, loss, backward and SGD with momentum, in images per second.

    python benchmarks/train.py --threads 1,2 --batch 32,128 --json train.json

edgenet runs `Model.train_on_batch` on arrays; PyTorch runs eagerly, as its tutorials do, on tensors in channels_last
memory that are already there, and reads the loss after each step, as `train_on_batch` does.  Both begin with the same
weights, and a network is only timed after a few steps on which both must have lost the same.  Without PyTorch only
edgenet is measured.  "ratio" is edgenet's images per second by PyTorch's.  `_measure.py` tells how times are taken.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from _measure import Contestant, Pace, chosen, measure, pace, parser, ratio, spread, threads
from _networks import NETWORKS, Network, edgenet_model
from _peers import installed
from _report import Report

COLUMNS = {
    "network": "<24", "batch": "5", "threads": "7", "edgenet ms": "10.2f", "images/s": "9.0f", "peer": "<8",
    "peer ms": "9.2f", "peer images/s": "13.0f", "ratio": "6.2f", "best": "6.2f", "spread": "6.0%",
}  # fmt: skip

LEARNING_RATE, MOMENTUM = 0.01, 0.9
#: the check: steps, their learning rate (small, since deep networks blow rounding up from step to step), images, and
#: how far losses may differ, as a share of the way that they went
STEPS, CHECK_RATE, CHECK_IMAGES, AGREE = 4, 1e-4, 16, 0.05


def batch_of(network: Network, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Random images, and labels that depend on them, so that the loss falls."""
    generator = np.random.default_rng(size)
    x = generator.standard_normal((size, *network.shape)).astype(np.float32)
    y = (x.reshape(size, -1)[:, : network.classes]).argmax(1).astype(np.int32)
    return x, y


def compiled(network: Network, rate: float = LEARNING_RATE) -> Any:
    """The network as an edgenet model, ready to be trained."""
    from edgenet import losses, optimizers, utils

    utils.set_random_seed(1)
    model = edgenet_model(network)
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizers.SGD(rate, momentum=MOMENTUM), loss=loss)
    return model


def weights_by_kind(model: Any) -> dict[str, list[np.ndarray]]:
    """The arrays of a model's layers, as `_torch_networks.torch_module` takes them."""
    kinds = {"Conv2D": "conv", "DepthwiseConv2D": "conv", "Dense": "dense", "BatchNormalization": "norm"}
    found: dict[str, list[np.ndarray]] = {kind: [] for kind in kinds.values()}
    for layer in model.layers:
        if layer.get_weights():
            found[kinds[type(layer).__name__]] += layer.get_weights()
    return found


def losses_agree(network: Network, size: int, report: Report) -> bool:
    """Whether both, PyTorch in float64, learn the same from one batch: the first loss and those after each step."""
    x, y = batch_of(network, size)
    model = compiled(network, CHECK_RATE)
    weights = weights_by_kind(model)
    ours = np.array([_loss(model.train_on_batch(x, y)) for _ in range(STEPS + 1)])
    if not np.all(np.isfinite(ours)):
        report.fail(f"{network.name}: edgenet's losses are {_list(ours)}")
        return False
    if not installed("torch"):
        return True
    from _torch_networks import Trainer, torch_module

    trainer = Trainer(torch_module(network, weights, exact=True), CHECK_RATE, MOMENTUM, x.astype(np.float64), y)
    theirs = np.array([trainer.step() for _ in range(STEPS + 1)])
    way = np.abs(theirs - theirs[0]).max()
    if abs(ours[0] - theirs[0]) > 1e-5 or np.abs(ours - theirs).max() > AGREE * way + 1e-5:
        report.fail(f"{network.name}, batch {size}: losses of edgenet {_list(ours)}, of pytorch {_list(theirs)}")
        return False
    return True


def _loss(result: Any) -> float:
    return float(result[0] if isinstance(result, list | tuple) else result)


def _list(numbers: Any) -> str:
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
            Contestant(
                "pytorch", Trainer(torch_module(network, weights_by_kind(model)), LEARNING_RATE, MOMENTUM, x, y).step
            )
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
        if not network.trained or not chosen(options, network.name) or (options.fast and network.name not in small):
            continue
        if not losses_agree(network, 4 if options.fast else CHECK_IMAGES, report):
            continue
        for size in [4] if options.fast else [int(t) for t in options.batch.split(",")]:
            for count in options.threads:
                row = {"network": network.name, "batch": size, "threads": count}
                report.add(row | compare(network, size, count, pace(options)), network.name)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
