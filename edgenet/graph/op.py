"""The registry of ops.  An op is four facts: shape rule, gradient, lowering to kernels, cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from .graph import Graph, Node, Value
from .layout import Pads
from .spec import ShapeError, Spec
from .variable import Variable

if TYPE_CHECKING:
    from edgenet.kernels.compiler import Kernel


class Scratch:
    """Memory that one node needs between its calls; nothing survives the node."""

    def __init__(self, size: int, dtype: str = "float32") -> None:
        self.spec = Spec((int(size),), dtype)


class At(NamedTuple):
    """A place inside an operand: `offset` elements behind its start."""

    operand: Value | Scratch
    offset: int


class Call(NamedTuple):
    """One kernel call of a lowered node."""

    kernel: Kernel
    args: tuple[Any, ...]
    """for each argument before lo and hi: a Value, Scratch or At, an int64/int32/float32 table (ndarray), a number, or
    None for a null pointer"""
    tasks: int
    work: float = 0.0
    """bytes moved, or an eighth of the floating point operations if more; small calls run on one thread"""
    pieces: int = 1
    """into how many equal pieces the images of the batch and the tasks can be cut, so that a piece of the tasks reads
    and writes that piece of the images alone (`edgenet.compile.chain`)"""


class Cost(NamedTuple):
    """What a node costs: for thread thresholds, profiles and summaries."""

    flops: int
    bytes: int


class Layouts(NamedTuple):
    """What a node says about where its images may lie (`Layout`)."""

    free: tuple[Value, ...] = ()
    """inputs and outputs whose strides the lowering follows"""
    borders: tuple[tuple[Value, Pads], ...] = ()
    """zeros that it wants around inputs, and makes a copy for where they are not"""
    alike: tuple[tuple[Value, Value], ...] = ()
    """values that must lie alike"""
    inside: tuple[tuple[Value, Value, int], ...] = ()
    """inputs that may be computed straight into an output, from that channel on"""
    lines: tuple[Value, ...] = ()
    """inputs and outputs that it follows from row to row, but not from pixel to pixel: they may have a border"""


class Op:
    """Base of all ops; a subclass with a `name` registers itself.

    ``infer`` raises ShapeError with what it got and what it wanted.  ``gradient`` emits nodes and returns one value, or
    None, for each input.  Ops for which a gradient makes no sense say why in `no_gradient`.
    """

    name: ClassVar[str] = ""
    #: the output shares the memory of input 0
    view: ClassVar[bool] = False
    #: writes variables: is never removed, keeps its place
    effect: ClassVar[bool] = False
    #: two runs on the same inputs differ (random numbers): is never computed ahead of time
    random: ClassVar[bool] = False
    #: why there is no gradient
    no_gradient: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__ and cls.name:
            if cls.name in _registry:
                raise ValueError(f"op {cls.name!r} is registered twice: {_registry[cls.name]} and {cls}")
            _registry[cls.name] = cls()

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        """Specs of the outputs; an absent optional input has the spec None.  Default: that of the first input."""
        return [specs[0]]

    def gradient(self, node: Node, dys: list[Value]) -> Sequence[Value | None]:
        """Gradients of the inputs, given those of the outputs (zeros where an output is not used)."""
        raise TypeError(f"{self.name} has no gradient: {self.no_gradient or 'nobody has written one'}")

    def lower(self, node: Node) -> list[Call]:
        """The kernel calls that compute the node."""
        raise NotImplementedError(f"{self.name}.lower")

    def cost(self, node: Node) -> Cost:
        """Operations and memory traffic.  Default: one operation an output element."""
        moved = sum(v.spec.size_bytes for v in [*node.inputs, *node.outputs] if v is not None)
        return Cost(node.output.spec.size, moved)

    def layouts(self, node: Node) -> Layouts:
        """What is possible besides dense values.  Default: nothing."""
        return Layouts()

    def over(self, node: Node) -> list[Value]:
        """Inputs whose memory output 0 may take: number i of them is read for its number i alone, before that."""
        return []

    def inside(self, node: Node) -> list[tuple[Value, int]]:
        """Inputs that may be computed straight into output 0, with their offsets in elements."""
        return []


_registry: dict[str, Op] = {}


def get_op(name: str) -> Op:
    """The op of a name.  Raises KeyError for an unknown one."""
    return _registry[name]


def registered_ops() -> dict[str, Op]:
    """All ops by name."""
    return dict(_registry)


def emit(name: str, inputs: Sequence[Any], **attrs: Any) -> Any:
    """Add a node; returns its output, or a tuple of them.

    Arrays and numbers among the inputs become constants, variables their values in the graph.
    """
    op = get_op(name)
    graph = symbolic(name, *inputs).graph
    values = [_as_value(graph, name, v) for v in inputs]
    try:
        specs = op.infer([None if v is None else v.spec for v in values], attrs)
    except ShapeError as error:
        text = str(error)
        raise ShapeError(text if text.startswith(f"{name}:") else f"{name}: {text}") from None
    node = graph.add(name, values, specs, attrs)
    return node.output if len(node.outputs) == 1 else tuple(node.outputs)


def symbolic(name: str, *inputs: Any) -> Value:
    """The first symbolic value among the inputs of a function.  Raises TypeError if there is none."""
    for value in inputs:
        if isinstance(value, Value):
            return value
    raise TypeError(
        f"{name}: at least one input must be a symbolic value, got {[type(v).__name__ for v in inputs]}; between "
        "the layers of a model wrap the function in edgenet.layers.Lambda, on arrays use NumPy"
    )


def _as_value(graph: Graph, name: str, value: Any) -> Value | None:
    if value is None:
        return None
    if isinstance(value, Value):
        if value.graph is not graph:
            raise ValueError(f"{name}: its inputs belong to different graphs ({value.graph.name}, {graph.name})")
        return value
    if isinstance(value, Variable):
        return graph.variable(value)
    array = np.asarray(value)
    if array.dtype.kind in "fiub":
        return graph.constant(array.astype(np.float32) if array.ndim == 0 and array.dtype.kind != "f" else array)
    raise TypeError(f"{name}: expected symbolic values, arrays or numbers, got {type(value).__name__}")
