"""Normalisation: BatchNormalization ↔ batch_norm."""

from __future__ import annotations

from edgenet.graph import Node, emit

from ..arrange import channels_first, channels_last
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor
from ..writer import Writer


@importer("BatchNormalization", since=7)
def read_batch_norm(node: OnnxNode) -> Tensor:
    x = node.input(0)
    if x.rank < 2:
        node.refuse(f"expected an input with channels in axis 1, got shape {list(x.shape)}")
    node.ignore("momentum")
    node.only("training_mode", 0)
    node.only("spatial", 1)
    node.only_output("a batch statistic")
    gamma, beta, mean, var = (node.input(i).parameter(trainable=i < 3) for i in range(1, 5))
    y = emit("batch_norm", [x.last(), gamma, beta, mean, var], epsilon=node.attr("epsilon", 1e-5))
    return node.held(y, channels_last(x.rank))


@exporter("batch_norm")
def write_batch_norm(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    if x.spec.rank < 2:
        out.refuse("ONNX knows batch normalisation only with an axis before the channels")
    axes = channels_first(x.spec.rank)
    rest = [out.name(v) for v in node.inputs[1:] if v is not None]
    name = out.node("BatchNormalization", [out.name(x, axes), *rest], node.name, epsilon=node.attrs["epsilon"])
    out.bind(node.output, axes, name)
