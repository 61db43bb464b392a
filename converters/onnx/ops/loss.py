"""Labels as indicators: OneHot ↔ one_hot.  The losses themselves belong to training, see `training`."""

from __future__ import annotations

import numpy as np

from edgenet.graph import Node, emit

from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor
from ..writer import Writer


@importer("OneHot", since=9, any_dtype=True)
def read_one_hot(node: OnnxNode) -> Tensor:
    labels, depth, values = node.input(0), int(node.scalar(1, 0)), node.known(2)
    node.only("axis", -1)
    if labels.dtype != "int32":
        node.refuse(f"the labels are {labels.dtype}: only int32 is supported")
    if list(values) != [0, 1] or values.dtype != np.float32:
        node.refuse(f"the values {list(values)} of type {values.dtype} are not supported, only float32 [0, 1]")
    return node.held(emit("one_hot", [labels.plain()], depth=depth))


@exporter("one_hot")
def write_one_hot(node: Node, out: Writer) -> None:
    labels = node.inputs[0]
    assert labels is not None
    depth = out.constant(np.array(node.attrs["depth"], np.int32), "depth")
    values = out.constant(np.array([0, 1], np.float32), "indicator")
    out.bind(node.output, None, out.node("OneHot", [out.name(labels), depth, values], node.name, axis=-1))
