"""ONNX in and out: `load` and `read` make a Graph of a model, `save` and `write` a model of a Graph.

`InferenceSession` runs any model, also one that is no Graph; `edgenet.converters.onnx.backend` does so through the
interface of onnx.backend.base, and `verify` compares with onnxruntime.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from edgenet.graph import Graph

from .errors import EvaluationError, UnsupportedModelError
from .files import Source, as_model, save_model
from .reader import read as _read
from .session import InferenceSession
from .writer import Layout, write

__all__ = ["EvaluationError", "InferenceSession", "UnsupportedModelError", "load", "read", "save", "write"]


def read(
    model: Source,
    shapes: Mapping[str, Sequence[int | str]] | None = None,
    values: Mapping[str, np.ndarray] | None = None,
) -> Graph:
    """Read an ONNX model (a ModelProto, bytes or a path) into a graph.

    Args:
        model: the model.
        shapes: shapes of inputs by name, where they differ from those in the model or the model leaves sizes open.  A
            size may be a name.  The first axis of an input may stay open: it keeps its name, else it is called
            "batch"; any other must be a number.
        values: contents of inputs by name, for inputs which say how to compute (a shape to reshape to, axes): they
            become constants, and are no inputs of the graph.

    Returns:
        The graph.  Initialisers that take part in the arithmetic are its variables, named as in the file.  Inputs and
        outputs have the order of axes of the model, images mostly (n, c, h, w); inside, images are (n, h, w, c).

    Raises:
        UnsupportedModelError: lists everything in the model that cannot be taken over.

    Example:
        >>> from onnx.parser import parse_model
        >>> print(read(parse_model('''
        ...     <ir_version: 8, opset_import: ["": 17]>
        ...     net (float[N, 3, 8, 8] x) => (float[N, 3, 4, 4] y)
        ...         { y = MaxPool <kernel_shape=[2, 2], strides=[2, 2]> (x) }
        ... ''')))
        net(%x: float32[N, 3, 8, 8])
          %transpose: float32[N, 8, 8, 3] = transpose(%x, perm=(0, 2, 3, 1))
          %max_pool: float32[N, 4, 4, 3] = max_pool(%transpose, pool=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)))
          %y: float32[N, 3, 4, 4] = transpose(%max_pool, perm=(0, 3, 1, 2))
          return %y
    """
    return _read(as_model(model), shapes, values)


def load(path: str | os.PathLike[str], shapes: Mapping[str, Sequence[int | str]] | None = None) -> Graph:
    """Read an ONNX file into a graph; see `read`."""
    return read(path, shapes)


def save(
    graph: Graph, path: str | os.PathLike[str], *, opset: int = 17, ir_version: int | None = None,
    layout: Layout = "NHWC", check: bool = False,
) -> None:  # fmt: skip
    """Write a graph into an ONNX file; see `write`.  The file appears complete, and checked, or not at all.

    Args:
        graph: the graph.
        path: the file.
        opset: see `write`.
        ir_version: see `write`.
        layout: see `write`.
        check: whether to run the model in onnxruntime first, at batch 1, 2 and 7, if it is installed.

    Raises:
        UnsupportedModelError: lists every node that has no ONNX form, and why.
        VerificationError: if onnxruntime computes something else; then no file is written.
    """
    model = write(graph, opset=opset, ir_version=ir_version, layout=layout)
    if check:
        from .verify import check as run_check

        run_check(model, graph, layout)
    save_model(model, path)
