"""The graphs of a model: prediction, evaluation, training step; and their programs, ready for data."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edgenet import metrics as metrics_module
from edgenet import ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph, Value, Variable, gradients
from edgenet.kernels.lock import Lock
from edgenet.losses import Loss
from edgenet.metrics import Metric
from edgenet.optimizers import Optimizer

from .data import Data, Feed

if TYPE_CHECKING:
    from .model import Model

#: what an input of a program stands for: ("x" | "y" | "w", number)
Role = tuple[str, int]
#: the result of a metric, of the sum of its counts
Figure = Callable[[np.ndarray], Any]


@dataclass
class Plan:
    """What `compile` was told, one entry for each output of the model."""

    optimizer: Optimizer
    losses: list[Loss | None]
    loss_weights: list[float]
    metrics: list[list[Any]]
    weighted: list[list[Any]]
    """metrics in which samples count by their weights"""
    names: list[str] = field(default_factory=list)
    """of the outputs"""


@dataclass(frozen=True)
class Renamed:
    """A metric, as it was given, under a name that no other has."""

    identifier: Any
    name: str


def metric_of(identifier: Any, y_true: Sequence[Any] = (None, 2), y_pred: Sequence[Any] = (None, 2)) -> Metric:
    """The metric of an entry of a plan, for targets and predictions of these shapes."""
    if not isinstance(identifier, Renamed):
        return metrics_module.get(identifier, y_true, y_pred)
    metric = copy.copy(metrics_module.get(identifier.identifier, y_true, y_pred))
    metric.name = identifier.name
    return metric


class Total:
    """The figures of a run over batches: averages of scalars, and what metrics make of the sum of their counts."""

    def __init__(self, runner: Runner) -> None:
        self.names, self.figures = runner.names, [runner.figures.get(n) for n in runner.names]
        self.sums: list[Any] = [0.0] * len(self.names)
        self.done = 0

    def add(self, outputs: Sequence[np.ndarray], size: int) -> None:
        """Take up the outputs of the program for a batch of `size` samples."""
        for i, (output, figure) in enumerate(zip(outputs, self.figures, strict=True)):
            self.sums[i] += output.item() * size if figure is None else output.astype(np.float64)
        self.done += size

    def logs(self) -> dict[str, Any]:
        """The figures of the samples so far."""
        made = (
            total / self.done if figure is None else figure(total)
            for total, figure in zip(self.sums, self.figures, strict=True)
        )
        return dict(zip(self.names, made, strict=True))


class Targets:
    """The target of one output as an input of the graph, once for each dtype in which it is read."""

    def __init__(self, graph: Graph, roles: list[Role], shape: tuple[int, ...], index: int, name: str) -> None:
        self.graph, self.roles, self.shape, self.index, self.name = graph, roles, shape, index, name
        self.values: dict[str, Value] = {}

    def value(self, dtype: str) -> Value:
        """The target in a dtype."""
        if dtype not in self.values:
            self.values[dtype] = self.graph.input(self.shape, dtype, f"{self.name}_target")
            self.roles.append(("y", self.index))
        return self.values[dtype]


def _inputs(model: Model, graph: Graph, batch: int | str) -> list[Value]:
    named = zip(model.inputs, model.input_names, strict=True)
    return [graph.input((batch, *t.shape[1:]), t.dtype, name) for t, name in named]


def predict_graph(model: Model, batch: int | str) -> Graph:
    """The model in inference, for a batch of a size or of a name."""
    graph = Graph(model.name)
    graph.outputs = model.emit(graph, _inputs(model, graph, batch), training=False)
    return graph


def loss_graph(
    model: Model, plan: Plan, shapes: Sequence[tuple[int, ...]], weighted: tuple[int, ...] | None, training: bool
) -> tuple[Graph, list[Role], list[str], dict[str, Figure]]:
    """The model with loss and metrics as outputs.

    `shapes` are those of the targets, the batch first; `weighted` is that of the sample weights, (batch,) or
    (batch, outputs), or None.

    Returns the graph, the roles of its inputs, the names of its outputs, and for metrics what to make of their counts.
    """
    graph = Graph(f"{model.name}.{'train' if training else 'test'}")
    graph.training = training
    graph.step = plan.optimizer.iterations if training else None
    activity: list[Value] = []
    graph.penalties = activity
    batch = shapes[0][0]
    xs = _inputs(model, graph, batch)
    roles: list[Role] = [("x", i) for i in range(len(xs))]
    predictions = model.emit(graph, xs, training)
    weight = None
    if weighted is not None:
        weight = graph.input(weighted, "float32", "sample_weight")
        roles.append(("w", 0))
    several = len(predictions) > 1
    total: Value | None = None
    parts: dict[str, Value] = {}
    counts: dict[str, Value] = {}
    figures: dict[str, Figure] = {}
    for i, (name, y_pred, shape) in enumerate(zip(plan.names, predictions, shapes, strict=True)):
        target, loss = Targets(graph, roles, shape, i, name), plan.losses[i]
        own = weight if weight is None or len(weight.shape) == 1 else _column(weight, i)
        if loss is not None:
            value = loss(target.value(loss.labels), y_pred, own)
            value = ops.mean(value) if value.shape else value
            parts[f"{name}_loss"] = value
            value = value if plan.loss_weights[i] == 1 else value * np.float32(plan.loss_weights[i])
            total = value if total is None else total + value
        for identifier, by_weight in [*((m, False) for m in plan.metrics[i]), *((m, True) for m in plan.weighted[i])]:
            metric = metric_of(identifier, shape, y_pred.shape)
            key = f"{name}_{metric.name}" if several else metric.name
            counts[key] = metric.emit(target.value(metric.labels), y_pred, own if by_weight else None)
            figures[key] = metric.figure
    for penalty in [*penalties(graph, model.trainable_weights), *activity]:
        total = penalty if total is None else total + penalty
    if total is None:
        raise ValueError(f"{model.name}: no output has a loss; call compile(loss=…)")
    named = {"loss": total, **(parts if several else {}), **counts}
    graph.outputs = list(named.values())
    return graph, roles, list(named), figures


def _column(weight: Value, i: int) -> Value:
    """The sample weights of one output."""
    return ops.reshape(ops.slice_(weight, [None, i], [None, i + 1]), weight.shape[:1])


def penalties(graph: Graph, weights: Sequence[Variable]) -> list[Value]:
    """What the regularizers of the weights add to the loss."""
    wanted = [(getattr(w, "regularizer", None), w) for w in weights]
    return [regularizer(graph.variable(w)) for regularizer, w in wanted if regularizer is not None]


def add_update(
    graph: Graph, plan: Plan, theta: Variable, variables: Sequence[Variable], only_accumulate: bool = False
) -> None:
    """Extend a graph with the gradients of its first output, the optimizer's step and the constraints.

    With `only_accumulate` the gradients are added to those of earlier batches instead of a step.
    """
    values = [graph.variable(v) for v in variables]
    found = gradients(graph.outputs[0], values)
    grads = [
        graph.constant(np.zeros(v.shape, np.float32), "no_gradient") if g is None else g
        for v, g in zip(variables, found, strict=True)
    ]
    step = plan.optimizer.accumulate if only_accumulate else plan.optimizer.apply
    step(graph, graph.variable(theta), ops.flat(*grads))
    for v, value in zip(variables, values, strict=True):
        constraint = getattr(v, "constraint", None)
        if constraint is not None:
            ops.assign(value, constraint(value))  # `value` is a view of theta, so it holds the new weights by now


class Runner:
    """A compiled graph of a model, and what its inputs stand for."""

    def __init__(
        self, graph: Graph, roles: Sequence[Role], names: Sequence[str], training: bool,
        figures: Mapping[str, Figure] | None = None,
    ) -> None:  # fmt: skip
        self.names = list(names)
        self.figures = dict(figures or {})
        self.roles = list(roles)
        self.program = compile_graph(graph, training=training)
        self.lock = Lock()
        """held from filling the inputs until the outputs are read"""

    def feeds(self, data: Data) -> list[Feed]:
        """What fills the inputs from the data."""
        return [Feed(data.array(r), home) for r, home in zip(self.roles, self.program.inputs, strict=True)]
