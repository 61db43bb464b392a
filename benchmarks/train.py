"""Training steps beside PyTorch, Keras on TensorFlow, and JAX: forward, loss, backward, SGD with momentum.

    python benchmarks/train.py --threads 1,2 --batch 32,128 --json train.json
    python benchmarks/train.py --threads 2 --peers pytorch,keras,jax

edgenet runs `Model.train_on_batch` on arrays.  The others work on tensors that are already there, and read the loss
after each step, as `train_on_batch` does: PyTorch eagerly, as its tutorials do, in channels_last memory; Keras and JAX
as one compiled function.  All begin with the same weights, and a network is only timed after a few steps on which all
must have lost the same.  "ratio" is edgenet's images per second by the peer's; the geometric means at the end are
upside down.  TensorFlow and JAX settle their number of threads when they start, so they take part only where a single
number is asked for.  `_measure.py` tells how times are taken.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from _measure import Contestant, chosen, measure, pace, parser, threads
from _networks import NETWORKS, Network, edgenet_model, weights_by_kind
from _peers import installed, peers_of, settle_tensorflow
from _report import Report

COLUMNS = {
    "network": "<24", "batch": "5", "threads": "7", "edgenet ms": "10.2f", "images/s": "9.0f", "peer": "<8",
    "peer ms": "9.2f", "peer images/s": "13.0f", "ratio": "6.2f", "best": "6.2f", "spread": "6.0%",
}  # fmt: skip

LEARNING_RATE, MOMENTUM = 0.01, 0.9
#: the check: steps, their learning rate (small, since deep networks blow rounding up from step to step), images, and
#: how far losses may differ, as a share of the way that they went
STEPS, CHECK_RATE, CHECK_IMAGES, AGREE = 4, 1e-4, 16, 0.05

#: peers, by the package that must be installed
PEERS = {"pytorch": "torch", "keras": "tensorflow", "jax": "jax"}
#: those that settle their number of threads when they start
SETTLED = ("keras", "jax")


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


def trainers(
    network: Network, model: Any, peers: list[str], rate: float, x: np.ndarray, y: np.ndarray, exact: bool = False
) -> Iterator[tuple[str, Any]]:
    """The peers, with the weights of the model.  `exact`: PyTorch in float64 and with edgenet's padding."""
    weights, y = weights_by_kind(model), y.astype(np.int64)
    if "pytorch" in peers:
        from _torch_networks import Trainer, torch_module

        given = x.astype(np.float64) if exact else x
        yield "pytorch", Trainer(torch_module(network, weights, exact), rate, MOMENTUM, given, y)
    if "keras" in peers:
        from _keras_networks import Trainer as KerasTrainer

        yield "keras", KerasTrainer(network, model.get_weights(), rate, MOMENTUM, x, y)
    if "jax" in peers:
        from _jax_networks import Trainer as JaxTrainer

        yield "jax", JaxTrainer(network, weights, rate, MOMENTUM, x, y)


def losses_agree(network: Network, size: int, peers: list[str], report: Report) -> bool:
    """Whether all learn the same from one batch: the first loss and those after each step."""
    x, y = batch_of(network, size)
    model = compiled(network, CHECK_RATE)
    others = list(trainers(network, model, peers, CHECK_RATE, x, y, exact=True))
    ours = np.array([_loss(model.train_on_batch(x, y)) for _ in range(STEPS + 1)])
    if not np.all(np.isfinite(ours)):
        report.fail(f"{network.name}: edgenet's losses are {_list(ours)}")
        return False
    agreed = True
    for name, trainer in others:
        theirs = np.array([trainer.step() for _ in range(STEPS + 1)])
        way = np.abs(theirs - theirs[0]).max()
        if abs(ours[0] - theirs[0]) > 1e-5 or np.abs(ours - theirs).max() > AGREE * way + 1e-5:
            report.fail(f"{network.name}, batch {size}: losses of edgenet {_list(ours)}, of {name} {_list(theirs)}")
            agreed = False
    return agreed


def _loss(result: Any) -> float:
    return float(result[0] if isinstance(result, list | tuple) else result)


def _list(numbers: Any) -> str:
    return ", ".join(f"{v:.4f}" for v in numbers)


def compare(network: Network, size: int, count: int, options: argparse.Namespace, report: Report) -> None:
    """Measure all on `count` threads: a row for each peer."""
    x, y = batch_of(network, size)
    model = compiled(network)
    ours = Contestant("edgenet", lambda: model.train_on_batch(x, y))
    others = [Contestant(name, t.step) for name, t in trainers(network, model, options.peers, LEARNING_RATE, x, y)]
    with threads(count):
        measure([ours, *others], pace(options))
    row = {"network": network.name, "batch": size, "threads": count, "images/s": size / ours.median}
    rates = {c.name: {"peer images/s": size / c.median} for c in others}
    report.add_all(row, ours, others, "ms", rates)


def choose_peers(options: argparse.Namespace) -> None:
    """Keep those peers that can take part, and have them settle their number of threads."""
    if missing := [name for name in options.peers if not installed(PEERS[name])]:
        print(f"not installed: {', '.join(missing)}")
    options.peers = [name for name in options.peers if name not in missing]
    if len(options.threads) > 1 and (left := [name for name in options.peers if name in SETTLED]):
        print(f"left out, since more than one number of threads is asked for: {', '.join(left)}")
        options.peers = [name for name in options.peers if name not in left]
    if "keras" in options.peers:
        settle_tensorflow()
        from _keras_networks import limit_threads

        limit_threads(options.threads[0])
    if "jax" in options.peers:
        from _jax_networks import limit_threads as limit_jax

        limit_jax(options.threads[0])


def main(arguments: list[str] | None = None) -> int:
    p = parser(__doc__)
    p.add_argument("--batch", default="32,128", help="batch sizes, separated by commas (32,128)")
    p.add_argument("--peers", type=peers_of(PEERS), default=list(PEERS), help=f"those to run ({','.join(PEERS)})")
    options: argparse.Namespace = p.parse_args(arguments)
    report = Report("Training steps", COLUMNS, options)
    choose_peers(options)
    report.head()
    small = ("MLP 784-512-512-10", "LeNet-5", "ResNet-8", "DS-CNN")
    for network in NETWORKS.values():
        if not network.trained or not chosen(options, network.name) or (options.fast and network.name not in small):
            continue
        if not losses_agree(network, 4 if options.fast else CHECK_IMAGES, options.peers, report):
            continue
        for size in [4] if options.fast else [int(t) for t in options.batch.split(",")]:
            for count in options.threads:
                compare(network, size, count, options, report)
    report.means()
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
