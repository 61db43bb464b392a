"""One ONNX node evaluated with NumPy, as the reader does it."""

import numpy as np
import onnx

from edgenet.converters.onnx.fold import fold
from edgenet.converters.onnx.node import OnnxNode
from edgenet.converters.onnx.tensor import Tensor
from edgenet.graph import Graph

NEWEST = onnx.defs.onnx_opset_version()


def evaluated(proto, arrays, opset=NEWEST):
    """The outputs of a node on arrays (None: an input that is left out)."""
    graph = Graph("node")
    inputs = [None if a is None else Tensor.known(graph, "", np.asarray(a)) for a in arrays]
    node = OnnxNode(proto, inputs, opset, graph, set(proto.output))
    results = fold(node)
    assert not node.unseen()
    return results
