"""What `compile` is told, sorted by output."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from edgenet import losses as losses_module
from edgenet import metrics as metrics_module
from edgenet.optimizers import Optimizer

from .programs import Plan, Renamed


def make_plan(
    model: str, outputs: list[str], optimizer: Optimizer, loss: Any, loss_weights: Any, metrics: Any,
    weighted_metrics: Any = None,
) -> Plan:  # fmt: skip
    """The losses, their factors and the metrics of each output.

    Raises:
        ValueError: if their number or names do not match the outputs.
    """
    losses = _each(loss, outputs, f"{model}: loss")
    factors = _each(loss_weights, outputs, f"{model}: loss_weights")
    found = [losses_module.get(x) if x is not None else None for x in losses]
    if any(isinstance(f, str) for f in factors):
        raise ValueError(f"{model}: loss_weights must be numbers, got {loss_weights!r}; metrics=… goes by name")
    if all(x is None for x in found):
        raise ValueError(f"{model}: compile(loss=…) is missing; give a name such as 'sparse_categorical_crossentropy'")
    plain = [_known(m) for m in _metrics(metrics, outputs, f"{model}: metrics")]
    weighted = [_known(m) for m in _metrics(weighted_metrics, outputs, f"{model}: weighted_metrics")]
    for p, w in zip(plain, weighted, strict=True):
        taken: set[str] = set()
        p[:], w[:] = _numbered(p, taken), _numbered(w, taken)
    return Plan(
        optimizer=optimizer,
        losses=found,
        loss_weights=[1.0 if f is None else float(f) for f in factors],
        metrics=plain,
        weighted=weighted,
        names=outputs,
    )


def _each(given: Any, outputs: list[str], what: str) -> list[Any]:
    """One entry for each output."""
    if isinstance(given, Mapping) and "class_name" not in given:
        unknown = set(given) - set(outputs)
        if unknown:
            raise ValueError(f"{what}: there is no output {', '.join(sorted(unknown))}; there are {', '.join(outputs)}")
        return [given.get(n) for n in outputs]
    if isinstance(given, list | tuple):
        if len(given) != len(outputs):
            raise ValueError(f"{what}: expected {len(outputs)} entries ({', '.join(outputs)}), got {len(given)}")
        return list(given)
    if given is not None and len(outputs) > 1:
        raise ValueError(
            f"{what}: the model has {len(outputs)} outputs ({', '.join(outputs)}); give a list or a dictionary with "
            "one entry for each, None for an output without"
        )
    return [given] * len(outputs)


def _metrics(given: Any, outputs: list[str], what: str) -> list[Any]:
    if given is None:
        return [[] for _ in outputs]
    if isinstance(given, Mapping):
        return [_listed(m) for m in _each(given, outputs, what)]
    if len(outputs) == 1:
        single = isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], list | tuple)
        return [_listed(given[0] if single else given)]
    return [_listed(m) for m in _each(given, outputs, what)]


def _listed(given: Any) -> list[Any]:
    return [] if given is None else list(given) if isinstance(given, list | tuple) else [given]


def _known(identifiers: Sequence[Any]) -> list[Any]:
    """The metrics as given, names of losses resolved to functions; raises for what nobody knows."""
    out = []
    for identifier in identifiers:
        try:
            metrics_module.get(identifier)
        except ValueError as error:
            try:
                loss = losses_module.get(identifier)
            except ValueError:
                raise error from None
            out.append(metrics_module.MeanMetricWrapper(loss.call, identifier, labels=loss.labels))
        else:
            out.append(identifier)
    return out


def _numbered(metrics: Sequence[Any], taken: set[str]) -> list[Any]:
    """The metrics, each once; one whose name is among `taken` gets a number behind it, as layers do."""
    out: list[Any] = []
    for i, given in enumerate(metrics):
        if any(given is other or (isinstance(given, str) and given == other) for other in metrics[:i]):
            continue
        metric, name = given, metrics_module.get(given).name
        if name == "loss":
            raise ValueError("metrics need names other than 'loss'")
        if name in taken:
            metric = Renamed(given, next(n for i in itertools.count(1) if (n := f"{name}_{i}") not in taken))
        taken.add(name if metric is given else metric.name)
        out.append(metric)
    return out
