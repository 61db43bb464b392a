"""The one representation of a computation: a static, ordered list of nodes over values of known shape and dtype."""

from .autodiff import gradients
from .graph import Graph, Node, Value
from .layout import Layout
from .op import At, Call, Cost, Layouts, Op, Scratch, emit, get_op, registered_ops
from .spec import Dim, ShapeError, Spec
from .variable import Variable

__all__ = [
    "At",
    "Call",
    "Cost",
    "Dim",
    "Graph",
    "Layout",
    "Layouts",
    "Node",
    "Op",
    "Scratch",
    "ShapeError",
    "Spec",
    "Value",
    "Variable",
    "emit",
    "get_op",
    "gradients",
    "registered_ops",
]
