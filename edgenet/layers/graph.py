"""A layer that is a piece of a graph: what imported models are made of."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import Node, Value, Variable, emit, get_op
from edgenet.ops.resample import Taps

from .layer import Layer


class GraphLayer(Layer):
    """Nodes of a graph, with their weights, as one layer.

    Batch normalisation in it does as `BatchNormalization` does: in training, while the layer is trainable, it takes the
    statistics of the batch and updates the moving ones.

    Args:
        piece: what `pack` made of the nodes.
        momentum: what the moving statistics keep of themselves.
        output_name: how an exported model calls the result, where it is one of its outputs.

    Raises:
        ValueError: if `piece` is no piece of a graph.

    >>> from edgenet.graph import Graph, emit
    >>> from edgenet.layers import Input
    >>> graph = Graph()
    >>> x = graph.input(("n", 2))
    >>> w = graph.variable(Variable(np.ones((2, 3), np.float32), "kernel"))
    >>> y = emit("dense", [x, w, None, None], transpose_x=False, transpose_w=False, activation=None)
    >>> layer = GraphLayer.of(graph.nodes, [x], [y], name="head")
    >>> layer(Input((2,))).shape, [v.name for v in layer.weights]
    ((None, 3), ['kernel'])
    """

    def __init__(
        self, piece: Mapping[str, Any], momentum: float = 0.9, output_name: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.output_name = output_name
        self.piece, self.momentum = dict(piece), float(momentum)
        try:
            self._nodes = [(n["op"], n["inputs"], _unpacked(n["attrs"])) for n in piece["nodes"]]
            self._constants = [_unpacked(c) for c in piece["constants"]]
            self._outputs, self._batch = list(piece["outputs"]), piece["batch"]
            for op, _, _ in self._nodes:
                get_op(op)
            for told in piece["weights"]:
                weight = self.add_weight(told["shape"], "zeros", trainable=told["trainable"])
                weight.name = told["name"]
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(
                f"GraphLayer {self.name}: this is no piece of a graph: {type(error).__name__} {error}"
            ) from error

    @staticmethod
    def of(nodes: Sequence[Node], inputs: Sequence[Value], outputs: Sequence[Value], **kwargs: Any) -> GraphLayer:
        """A layer of nodes of a graph; its weights are copies."""
        piece, variables = pack(nodes, inputs, outputs)
        layer = GraphLayer(piece, **kwargs)
        for mine, theirs in zip(layer._weights, variables, strict=True):
            mine.assign(theirs.array)
        return layer

    def call(self, x: Any, training: bool = False) -> Any:
        """Emit the nodes on the value(s) x."""
        values: list[Value] = list(x) if isinstance(x, list | tuple) else [x]
        batch = values[0].shape[0] if values[0].shape else self._batch
        made: list[list[Value]] = []

        def find(place: Any) -> Value | None:
            if place is None:
                return None
            kind, i, *rest = place
            if kind == "weight":
                return self.value(values, self._weights[i])
            if kind == "constant":
                return values[0].graph.constant(self._constants[i])
            found: Value = values[i] if kind == "input" else made[i][rest[0]]
            return found

        for op, places, attrs in self._nodes:
            operands = [find(p) for p in places]
            bound: dict[str, Any] = {
                k: tuple(batch if s == self._batch else s for s in v) if k.endswith("shape") else v
                for k, v in attrs.items()
            }
            if op == "batch_norm" and training and self.trainable:
                made.append([self._normalized(operands, bound["epsilon"])])
                continue
            result = emit(op, operands, **bound)
            made.append(list(result) if isinstance(result, tuple) else [result])
        results = [find(p) for p in self._outputs]
        return results if len(results) > 1 else results[0]

    def _normalized(self, operands: Sequence[Any], epsilon: float) -> Value:
        x, gamma, beta, *moving = operands
        y, *batch = ops.batch_norm_train(x, gamma, beta, epsilon=epsilon)
        for old, new in zip(moving, batch, strict=True) if x.graph.training else ():
            if old.variable is not None:
                ops.assign(old, new, keep=self.momentum)
        return y


def pack(
    nodes: Sequence[Node], inputs: Sequence[Value], outputs: Sequence[Value]
) -> tuple[dict[str, Any], list[Variable]]:
    """Nodes of a graph as JSON can hold them, and the variables that they use.

    What is computed from variables alone is taken along, though it stands outside of `nodes`.

    Args:
        nodes: in their order.
        inputs: values that are made elsewhere; the first axis of the first one is the batch.
        outputs: values that others need.
    """
    place: dict[int, list[Any]] = {id(v): ["input", i] for i, v in enumerate(inputs)}
    packed: list[dict[str, Any]] = []
    variables: list[Variable] = []
    constants: list[Any] = []

    def find(value: Value | None) -> list[Any] | None:
        if value is None:
            return None
        if id(value) not in place:
            if value.variable is not None:
                place[id(value)] = ["weight", len(variables)]
                variables.append(value.variable)
            elif value.array is not None:
                place[id(value)] = ["constant", len(constants)]
                constants.append(_packed(value.array))
            elif value.node is not None and value.derived:
                add(value.node)
            else:
                raise ValueError(f"{value!r} is made outside of the piece, and is none of its inputs")
        return place[id(value)]

    def add(node: Node) -> None:
        if any(id(v) in place for v in node.outputs):
            return
        operands = [find(v) for v in node.inputs]
        place.update((id(v), ["node", len(packed), i]) for i, v in enumerate(node.outputs))
        packed.append({"op": node.op, "inputs": operands, "attrs": _packed(node.attrs)})

    for node in nodes:
        add(node)
    ends = [find(v) for v in outputs]
    batch = inputs[0].shape[0] if inputs and inputs[0].shape else None
    return {
        "batch": batch if isinstance(batch, str) else "batch",
        "nodes": packed,
        "outputs": ends,
        "constants": constants,
        "weights": [{"name": v.name, "shape": list(v.shape), "trainable": v.trainable} for v in variables],
    }, variables


def _packed(value: Any) -> Any:
    """An attribute or array as JSON can hold it."""
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return {"array": data, "dtype": str(value.dtype), "shape": list(value.shape)}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, Taps):
        return {"taps": _packed(tuple(value))}
    if isinstance(value, Mapping):
        return {str(k): _packed(v) for k, v in value.items()}
    return [_packed(v) for v in value] if isinstance(value, list | tuple) else value


def _unpacked(value: Any) -> Any:
    """What `_packed` was given, lists as tuples."""
    if isinstance(value, list | tuple):
        return tuple(_unpacked(v) for v in value)
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"float"}:
        return float(value["float"])
    if set(value) == {"taps"}:
        return Taps(*_unpacked(value["taps"]))
    if set(value) == {"array", "dtype", "shape"}:
        if value["dtype"] not in ("float32", "int32", "int64", "bool"):
            raise ValueError(f"an array of dtype {value['dtype']!r} is no part of a graph")
        array = np.frombuffer(base64.b64decode(value["array"]), value["dtype"]).reshape(value["shape"])
        return np.array(array)
    return {k: _unpacked(v) for k, v in value.items()}
