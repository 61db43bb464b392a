"""What a plan is made of: runs of nodes that are compiled, single nodes that NumPy evaluates, and branches.

A step reads arrays by ONNX name and makes others, of the dtypes that ONNX gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from edgenet.compile import Program, compile_graph
from edgenet.graph import Graph

from . import fold as _fold
from .errors import EvaluationError, Refused, Unfit
from .frame import Frame, who
from .kinds import Kind, output_kinds
from .node import OnnxNode
from .reading import Reading, branch
from .tensor import Tensor

Arrays = dict[str, np.ndarray]


class Step(Protocol):
    """One part of a plan."""

    def run(self, env: Mapping[str, np.ndarray]) -> Arrays:
        """The arrays that the step makes of those in `env`."""


class Compiled:
    """A run of nodes as one Program."""

    def __init__(self, reading: Reading, reads: list[str], makes: dict[str, Kind], nodes: list[Any]) -> None:
        self.reads, self.makes, self.nodes = reads, makes, nodes
        self.origin = reading.origin
        self.program: Program = compile_graph(reading.graph)

    def run(self, env: Mapping[str, np.ndarray]) -> Arrays:
        """Run the program."""
        results = self.program.run(*(env[name] for name in self.reads))
        made = zip(self.makes.items(), results, strict=True)
        return {n: r if r.dtype == k else r.astype(k) for (n, k), r in made}


class Evaluated:
    """One node, evaluated by NumPy."""

    def __init__(self, proto: Any, frame: Frame) -> None:
        self.proto, self.frame = proto, frame
        self.domain, self.opset = frame.domain(proto)
        self._kinds: list[Kind | None] = []

    def run(self, env: Mapping[str, np.ndarray]) -> Arrays:
        """Evaluate the node.

        Raises:
            Refused: if the node asks for something that its evaluator does not know.
            EvaluationError: if it cannot be computed on these arrays.
        """
        graph = Graph("evaluated")
        inputs = [Tensor.known(graph, name, env[name]) if name else None for name in self.proto.input]
        node = OnnxNode(self.proto, inputs, self.opset, graph, self.frame.used)
        try:
            results = _fold.fold(node)
        except Exception as error:
            if isinstance(error, Refused) and not isinstance(error, Unfit):
                raise
            got = ", ".join(f"{n!r}: {env[n].dtype}{list(env[n].shape)}" for n in self.proto.input if n)
            reason = str(error) or type(error).__name__
            raise EvaluationError(f"{who(self.proto)} cannot be computed on {got}: {reason}") from error
        if unseen := node.unseen():
            node.refuse(f"the attributes {', '.join(unseen)} are not supported")
        if any(node.uses_output(i) for i in range(len(results), len(node.output_names))):
            node.refuse(f"only {len(results)} of its {len(node.output_names)} outputs can be computed")
        if not self._kinds:
            kinds = [env[name].dtype if name else None for name in self.proto.input]
            self._kinds = output_kinds(self.proto, self.domain, self.opset, kinds)
        rows = zip(self.proto.output, results, self._kinds, strict=False)
        return {n: r if k is None or k.kind not in "fiub" else r.astype(k, copy=False) for n, r, k in rows if n}


class Chosen:
    """An If: the branch that its condition chooses, as a plan of its own."""

    def __init__(self, proto: Any, frame: Frame, make: Callable[[Frame], Any]) -> None:
        self.proto, self.frame = proto, frame
        self._make = make
        self.plans: dict[bool, Any] = {}

    def run(self, env: Mapping[str, np.ndarray], watch: Any = None) -> Arrays:
        """Run the branch; `watch`: see `Plan.run`."""
        condition = env.get(self.proto.input[0]) if len(self.proto.input) else None
        if condition is None or condition.size != 1:
            got = "nothing" if condition is None else f"shape {list(condition.shape)}"
            raise EvaluationError(f"{who(self.proto)}: the condition should be one truth value, got {got}")
        taken = bool(condition.reshape(-1)[0])
        if taken not in self.plans:
            self.plans[taken] = self._make(branch(self.proto, taken, self.frame.opsets))
        results = self.plans[taken].run(env, watch)
        return dict(zip(self.proto.output, results, strict=True))
