"""compile, and the programs that follow from it: one for each kind of run and each batch size."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from edgenet import ops, optimizers
from edgenet.graph import Variable
from edgenet.graph.variable import flatten
from edgenet.kernels.lock import Lock
from edgenet.layers.layer import Layer
from edgenet.utils.warning import warn

from .data import Data
from .keywords import public
from .plan import make_plan
from .programs import Plan, Role, Runner, add_update, loss_graph, metric_of, predict_graph

#: programs that a model keeps; each holds an arena
PROGRAMS = 8
#: kinds of programs that take part in training; the second adds gradients up and leaves the weights alone
TRAINING = ("train", "accumulate")


class Engine(Layer):
    """The part of a Model that knows how it is trained, and makes its programs."""

    inputs: list[Any]
    outputs: list[Any]
    _nested_inputs = _nested_outputs = False
    _plan: Plan | None = None
    _compile_arguments: dict[str, Any] | None = None

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        raise NotImplementedError

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs."""
        raise NotImplementedError

    # compile ---------------------------------------------------------------------------------------------------------

    @public
    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None, metrics: Any = None,
        weighted_metrics: Any = None,
    ) -> None:  # fmt: skip
        """Say how the model is to be trained.

        Args:
            optimizer: a name, an `edgenet.optimizers` object or the class of one.
            loss: a name, an `edgenet.losses` object or a function ``(y_true, y_pred) -> values``; for several outputs a
                list or a dictionary by output name.
            loss_weights: factors of the losses of several outputs.
            metrics: a list of names, `edgenet.metrics` objects or functions; for several outputs a list of lists or a
                dictionary.
            weighted_metrics: the same for metrics in which samples count by their sample weights and class weights.

        Weights that are trained from here on are those that are trainable now: call it again after freezing layers.
        """
        self._compile_arguments = {
            "optimizer": optimizers.get(optimizer),
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
        }
        self._forget_programs()
        if self.built:
            self._planned()

    @property
    def compiled(self) -> bool:
        """Whether `compile` was called."""
        return self._compile_arguments is not None

    @property
    def optimizer(self) -> optimizers.Optimizer:
        """The optimizer of `compile`."""
        return self._compiled("optimizer")["optimizer"]  # type: ignore[no-any-return]

    @property
    def loss(self) -> Any:
        """What `compile` got as loss."""
        return self._compiled("loss")["loss"]

    def _compiled(self, what: str) -> dict[str, Any]:
        if self._compile_arguments is None:
            raise ValueError(
                f"{self.name}.{what}: the model has no loss yet; call model.compile(optimizer, loss) first"
            )
        return self._compile_arguments

    def _planned(self) -> Plan:
        arguments = self._compiled("fit")
        if self._plan is None:
            self._plan = make_plan(self.name, self.output_names, **arguments)
        return self._plan

    @property
    def metrics_names(self) -> list[str]:
        """Names of what `evaluate` returns."""
        plan = self._planned()
        several = len(plan.names) > 1
        names = ["loss"]
        if several:
            names += [f"{n}_loss" for n, loss in zip(plan.names, plan.losses, strict=True) if loss is not None]
        for output, plain, weighted in zip(plan.names, plan.metrics, plan.weighted, strict=True):
            for m in [*plain, *weighted]:
                name = metric_of(m).name
                names.append(f"{output}_{name}" if several else name)
        return names

    # programs --------------------------------------------------------------------------------------------------------

    def _forget_programs(self) -> None:
        self._plan = None
        self._told_frozen = False
        self._programs: OrderedDict[Any, Runner] = OrderedDict()
        self._accepted: set[Any] = set()
        """shapes and dtypes of arrays that have passed all checks"""
        self._programs_lock = Lock(threading.RLock)
        self._theta: Variable | None = None
        self._trained: list[Variable] = []

    def _runner(self, kind: str, batch: int, data: Data | None = None) -> Runner:
        """The program for a batch of a size; made where there is none yet."""
        shapes = tuple((batch, *y.shape[1:]) for y in data.y) if data else ()
        weight = None if data is None else data.weight
        key = (kind, batch, shapes, None if weight is None else (batch, *weight.shape[1:]))
        with self._programs_lock:
            if kind in TRAINING:
                self._settle_weights()
            runner = self._programs.pop(key, None)
            if runner is None:
                runner = self._make(kind, batch, shapes, key[3])
            self._programs[key] = runner
            while len(self._programs) > PROGRAMS:
                self._programs.popitem(last=False)
            return runner

    def _make(self, kind: str, batch: int, shapes: tuple[tuple[int, ...], ...], weighted: Any) -> Runner:
        model: Any = self
        if kind == "predict":
            roles: list[Role] = [("x", i) for i in range(len(self.inputs))]
            return Runner(predict_graph(model, batch), roles, self.output_names, training=False)
        plan, training = self._planned(), kind in TRAINING
        graph, roles, names, figures = loss_graph(model, plan, shapes, weighted, training)
        if training:
            if self._theta is not None:
                add_update(graph, plan, self._theta, self._trained, kind == "accumulate")
            ops.increment(graph.variable(plan.optimizer.iterations))
        return Runner(graph, roles, names, training, figures)

    def _check_frozen(self) -> None:
        """Warn, once after `compile`, if layers were frozen or thawed behind the back of its programs."""
        now = {id(v) for v in self.trainable_weights}
        if self._trained and not self._told_frozen and now != {id(v) for v in self._trained}:
            self._told_frozen = True
            warn(
                f"{self.name}: trainable was changed after training began, which has no effect until "
                "model.compile(…) is called again"
            )

    def _settle_weights(self) -> None:
        """Lay the weights that are trained out in one buffer, once after `compile` or when another model moved them."""
        plan = self._planned()
        if self._theta is not None and all(v.array.base is self._theta.array.base for v in self._trained):
            return
        if not self._trained:
            self._trained = self.trainable_weights
            if not self._trained:
                if self._theta is None and not any(key[0] in TRAINING for key in self._programs):
                    warn(f"{self.name} has no trainable weights: training changes nothing")
                return
        self._theta = flatten(self._trained, "theta")
        plan.optimizer.build(self._trained)
        for key in [k for k in self._programs if k[0] in TRAINING]:
            del self._programs[key]  # it updates the buffer before
