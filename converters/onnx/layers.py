"""ONNX → Model: a graph cut into layers, to be trained, frozen, cut off and built upon.

One layer stands for one ONNX node and bears its name.  A weighted node takes a bias and an activation that follow it
into its layer, and neighbouring reshapes and transposes are one layer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx

from edgenet.graph import Graph, Node, Value, emit
from edgenet.layers import GraphLayer, Input, SymbolicTensor
from edgenet.models import Model, load_model

from .arrange import channels_first, channels_last, moves
from .errors import UnsupportedModelError
from .files import Source, as_model
from .frame import declared_shape, graph_inputs
from .reader import Reader
from .session import InferenceSession

#: what may follow a weighted node inside of its layer
POINTWISE = {
    "clip", "elu", "gelu", "gelu_tanh", "hard_silu", "leaky_relu", "log_softmax", "mish", "relu", "sigmoid", "silu",
    "softmax", "softplus", "tanh",
}  # fmt: skip
WEIGHTED = {"batch_norm", "conv2d", "conv2d_dx", "dense"}
MOVEMENT = {"reshape", "transpose"}
QUANTISED = ("QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "QLinear")


def load(
    model: Source, shapes: Mapping[str, Sequence[int | str]] | None = None, layout: Literal["NHWC"] | None = None
) -> Model:
    """A model of an ONNX file, to predict with, to train on, to freeze, cut and extend; or one of ``model.save``.

    Args:
        model: the path, the bytes, or the ModelProto.  A path that does not end in ``.onnx`` goes to `load_model`.
        shapes: shapes of inputs by name, the batch first, where the file leaves sizes open.
        layout: ``"NHWC"``: inputs that the file has as (n, c, h, w) are taken as (n, h, w, c); None: as in the file.

    Returns:
        The model.  Its layers bear the names of ONNX nodes, with "." for "/"; batch normalisation is a layer of its
        own.  Weights that several layers use become several weights.

    Raises:
        UnsupportedModelError: lists everything in the file that a model of layers cannot hold, such as quantised
            arithmetic; `InferenceSession` may still run it.
        ValueError: if `layout` is another one.

    >>> from onnx.parser import parse_model
    >>> model = load(parse_model('''
    ...     <ir_version: 8, opset_import: ["": 17]>
    ...     net (float[N, 2] x) => (float[N, 3] y) <float[2, 3] w = {1, 2, 3, 4, 5, 6}>
    ...         { h = MatMul(x, w)  y = Relu(h) }
    ... '''))
    >>> [layer.name for layer in model.layers], model.output_shape, model.count_params()
    (['h'], (None, 3), 6)
    """
    if layout not in (None, "NHWC"):
        raise ValueError(f"load: layout must be 'NHWC' or None, got {layout!r}")
    if isinstance(model, str | os.PathLike) and Path(model).suffix.lower() != ".onnx":
        return load_model(model)
    proto = as_model(model)
    what = f"the ONNX model {proto.graph.name!r} cannot become a Model"
    quantised = sorted({n.op_type for n in proto.graph.node if n.op_type.startswith(QUANTISED)})
    if quantised:
        reason = f"it is quantised ({', '.join(quantised)}), and integers cannot be trained"
        raise UnsupportedModelError(what, [reason], "edgenet.InferenceSession can run it")
    declared = _batched(proto, shapes or {})
    try:
        return _Cut(Reader(proto, declared), what).model(layout)
    except UnsupportedModelError:
        freed = _freed(proto)
        if freed is None:
            raise
    made = _Cut(Reader(freed, declared), what).model(layout)
    _check_batches(proto, made, layout, what)
    return made


def _batched(proto: Any, shapes: Mapping[str, Sequence[int | str]]) -> dict[str, Sequence[Any]]:
    """Shapes of the inputs whose first size is "batch", and those that are not among them."""
    found: dict[str, Sequence[Any]] = dict(shapes)
    for info in graph_inputs(proto.graph):
        dims = shapes.get(info.name, declared_shape(info))
        if dims:
            found[info.name] = ("batch", *dims[1:])
    return found


def _freed(proto: onnx.ModelProto) -> onnx.ModelProto | None:
    """The model with "as before" instead of the batch that its reshapes name, as files for a single image do; or None.

    Such a file is meant for one batch.  That it means the same for others is checked afterwards.
    """
    batches = {shape[0] for i in graph_inputs(proto.graph) if (shape := declared_shape(i))}
    stored = {t.name: t for t in proto.graph.initializer if t.data_type == onnx.TensorProto.INT64 and len(t.dims) == 1}
    stored |= {
        name: a.t
        for n in proto.graph.node
        if n.op_type == "Constant"
        for name in n.output[:1]
        for a in n.attribute
        if a.name == "value"
    }
    freed = onnx.ModelProto()
    freed.CopyFrom(proto)
    changed = False
    for node in freed.graph.node:
        if node.op_type != "Reshape" or len(node.input) != 2 or not len(node.output):
            continue
        if node.input[0] in stored or node.input[1] not in stored:
            continue
        try:
            target = onnx.numpy_helper.to_array(stored[node.input[1]])
        except Exception:  # a damaged tensor: nothing can be made of it
            return None
        if target.dtype != np.int64 or target.ndim != 1 or target.size < 2:
            continue
        if int(target[0]) in batches and not any(a.name == "allowzero" for a in node.attribute):
            name = f"{node.input[1]}/{node.output[0]}/any_batch"
            freed.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0, *target[1:]], np.int64), name))
            node.input[1] = name
            changed = True
    return freed if changed else None


def _check_batches(proto: onnx.ModelProto, made: Model, layout: str | None, what: str) -> None:
    """Compare a model of a file that is meant for one batch with what the file says, image by image."""
    rng = np.random.default_rng(0)
    session = InferenceSession(proto)
    arrays = [rng.standard_normal((2, *t.shape[1:])).astype(t.dtype) for t in made.inputs]
    got = made.predict(arrays if len(arrays) > 1 else arrays[0], verbose=0)
    for i in range(2):
        feeds = {}
        for info, array in zip(session.get_inputs(), arrays, strict=True):
            one = array[i : i + 1]
            fits = all(d in (None, s) or isinstance(d, str) for d, s in zip(info.shape[1:], one.shape[1:], strict=True))
            feeds[info.name] = one if fits or layout is None else one.transpose(channels_first(4))
        for y, want in zip(got if isinstance(got, list) else [got], session.run(None, feeds), strict=True):
            if y[i : i + 1].shape != want.shape or not np.allclose(y[i : i + 1], want, rtol=1e-3, atol=1e-4):
                reason = "it is meant for batches of one size alone: the results for others are not those of its parts"
                raise UnsupportedModelError(what, [reason], "edgenet.InferenceSession can run it")


class _Cut:
    """A graph that is cut into groups of nodes, each of which becomes a layer."""

    def __init__(self, reader: Reader, what: str) -> None:
        self.graph: Graph = reader.graph
        self.origin = reader.origin
        self.what = what
        nodes = [n for n in self.graph.nodes if not n.output.fixed]
        groups: dict[int, list[Node]] = {}
        for node in nodes:
            groups.setdefault(id(self.origin(node) or node), []).append(node)
        self.groups = [g for group in groups.values() for g in self._split(group)]
        self._join()
        self._close()

    def model(self, layout: str | None) -> Model:
        """The model."""
        known: dict[int, SymbolicTensor] = {}
        starts, names = [], set[str]()
        for value in self.graph.inputs:
            starts.append(self._start(value, layout, known))
        for group in self.groups:
            group = [n for n in group if id(n.output) not in known]  # an NHWC input makes transposes unnecessary
            if not group:
                continue
            inputs, outputs = self._inputs(group), self._outputs(group)
            layer = self._layer(group, inputs, outputs, names)
            tensors = [known[id(v)] for v in inputs]
            made = layer(tensors if len(tensors) > 1 else tensors[0])
            known.update(zip(map(id, outputs), made if len(outputs) > 1 else [made], strict=True))
        missing = [v for v in self.graph.outputs if id(v) not in known]
        if missing:
            self._refuse([f"the output {v.name!r} does not depend on the inputs" for v in missing])
        turned = [v for v in self.graph.outputs if v.shape and any(isinstance(s, str) for s in v.shape[1:])]
        if turned:
            self._refuse(
                [f"the output {v.name!r} of shape {list(v.shape)} does not have the batch in front" for v in turned]
            )
        ends = [known[id(v)] for v in self.graph.outputs]
        return Model(
            starts if len(starts) > 1 else starts[0], ends if len(ends) > 1 else ends[0], name=_plain(self.graph.name)
        )

    def _refuse(self, problems: list[str]) -> None:
        raise UnsupportedModelError(self.what, problems, "edgenet.InferenceSession can run it")

    def _start(self, value: Value, layout: str | None, known: dict[int, SymbolicTensor]) -> SymbolicTensor:
        """The input of the model for one of the graph."""
        batch, *sizes = value.shape if value.shape else (None,)
        if not isinstance(batch, str):
            self._refuse([f"the input {value.name!r} of shape {list(value.shape)} has no axis for the batch"])
        swapped = [n.output for n in self.graph.users(value) if _to_last(n)]
        if layout == "NHWC" and len(sizes) == 3 and swapped:
            tensor = Input((*sizes[1:], sizes[0]), dtype=value.dtype, name=value.name)
            known.update((id(v), tensor) for v in swapped)
            if len(swapped) < len(self.graph.users(value)):
                x = Graph().input(swapped[0].shape)
                y = emit("transpose", [x], perm=channels_first(4))
                back = GraphLayer.of([y.node], [x], [y], name=f"{_plain(value.name)}.nchw")
                known[id(value)] = back(tensor)
            return tensor
        tensor = known[id(value)] = Input(sizes, dtype=value.dtype, name=value.name)
        return tensor

    def _layer(self, group: list[Node], inputs: list[Value], outputs: list[Value], names: set[str]) -> GraphLayer:
        origin = self.origin(group[0])
        name = base = _plain((origin.name or next(filter(None, origin.output))) if origin else group[0].name)
        count = 0
        while name in names:
            count += 1
            name = f"{base}_{count}"
        names.add(name)
        momentum = next((a.f for a in origin.attribute if a.name == "momentum"), 0.9) if origin else 0.9
        told = outputs[0].name if any(v is outputs[0] for v in self.graph.outputs) else None
        return GraphLayer.of(group, inputs, outputs, name=name, momentum=momentum, output_name=told)

    # groups ----------------------------------------------------------------------------------------------------------

    def _inputs(self, group: list[Node]) -> list[Value]:
        """What the nodes read that changes from run to run and is made elsewhere."""
        made = {id(v) for n in group for v in n.outputs}
        read = {id(v): v for n in group for v in n.inputs if v is not None and not v.fixed and id(v) not in made}
        return list(read.values())

    def _outputs(self, group: list[Node]) -> list[Value]:
        """What others need of the nodes."""
        inside = {id(n) for n in group}
        read = {id(v) for n in self.graph.nodes if id(n) not in inside for v in n.inputs}
        read |= {id(v) for v in self.graph.outputs}
        return [v for n in group for v in n.outputs if id(v) in read]

    def _split(self, group: list[Node]) -> list[list[Node]]:
        """The group, or each of its nodes alone where others need more than one result of it."""
        return [group] if len(self._outputs(group)) == 1 else [[n] for n in group]

    def _join(self) -> None:
        """Let layers take in what belongs to them."""
        joined: list[list[Node]] = []
        home: dict[int, list[Node]] = {}
        for group in self.groups:
            inputs = self._inputs(group)
            before = home.get(id(inputs[0].node)) if len(inputs) == 1 else None
            if before is not None and self._belongs(group, before) and len(self._outputs(before + group)) == 1:
                before += group
            else:
                before = group
                joined.append(group)
            home.update((id(n), before) for n in group)
        self.groups = joined

    def _close(self) -> None:
        """Make one layer of what passes on values whose first axis is not the batch, as loops over steps do."""
        found = {id(v): i for i, group in enumerate(self.groups) for n in group for v in n.outputs}
        last = list(range(len(self.groups)))
        """for each group the last one that it must be one with"""
        for i, group in enumerate(self.groups):
            for value in self._inputs(group):
                if id(value) in found and not _passes(value):
                    last[found[id(value)]] = i
        closed: list[list[Node]] = []
        end = -1
        for i, group in enumerate(self.groups):
            if i <= end:
                closed[-1].extend(group)
            else:
                closed.append(group)
            end = max(end, last[i])
        self.groups = closed

    def _belongs(self, group: list[Node], before: list[Node]) -> bool:
        ops, first = {n.op for n in group}, {n.op for n in before}
        if ops <= MOVEMENT and first <= MOVEMENT:
            return True
        bias = ops == {"add"} and any(v is not None and v.fixed and v.spec.rank <= 1 for v in group[0].inputs)
        return bool(first & WEIGHTED) and (ops <= POINTWISE or (bias and "add" not in first))


def _passes(value: Value) -> bool:
    """Whether a value may go from layer to layer: the batch comes first, and once."""
    lead, *sizes = value.shape or (None,)
    return isinstance(lead, str) and lead not in sizes


def _to_last(node: Node) -> bool:
    """Whether a node makes (n, h, w, c) of (n, c, h, w)."""
    x, perm = node.inputs[0], channels_last(4)
    if x is None or x.spec.rank != 4:
        return False
    if node.op == "transpose":
        return tuple(node.attrs["perm"]) == perm
    fits = node.op == "reshape" and node.output.shape == tuple(x.shape[p] for p in perm)
    return fits and not moves(x.shape, perm)


def _plain(name: str) -> str:
    """A name that a layer may have."""
    return name.strip("/").replace("/", ".") or "node"
