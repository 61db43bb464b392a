"""What the reader knows of one ONNX tensor: an array, or a value of the graph in some arrangement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from edgenet.graph import Graph, Value, Variable, emit

from . import arrange
from .arrange import Axes
from .errors import Refused


def reshape(value: Value, shape: Sequence[Any]) -> Value:
    """A view of other shape; views of views are taken from the source."""
    shape = tuple(shape)
    while value.node is not None and value.node.op == "reshape" and value.shape != shape:
        source = value.node.inputs[0]
        assert source is not None
        value = source
    return value if value.shape == shape else one(emit("reshape", [value], shape=shape))


def transpose(value: Value, perm: Axes) -> Value:
    """The transposed value; a view where no data moves."""
    if not arrange.moves(value.shape, perm):
        return reshape(value, arrange.arranged(value.shape, perm))
    return one(emit("transpose", [value], perm=perm))


def one(result: Any) -> Value:
    """The result of an op that has a single output."""
    assert isinstance(result, Value)
    return result


class Tensor:
    """One ONNX tensor.

    `shape` is the one ONNX speaks of.  Either `array` is set (the contents are known while reading), or place j of the
    value that holds it is its axis ``axes[j]``.
    """

    def __init__(self, graph: Graph, name: str, shape: Sequence[Any], axes: Axes | None = None) -> None:
        self.graph = graph
        self.name = name
        self.shape = tuple(shape)
        self.axes = arrange.plain(len(self.shape)) if axes is None else axes
        self.array: np.ndarray | None = None
        #: a known array that training may change: an initialiser of the file
        self.weight = False
        #: variables made of weights before, by name and form, for graphs that may share them
        self.shared: dict[Any, Variable] | None = None
        #: the integers that it stands for, see `integers`
        self.meant: Any = None
        self._base: Value | None = None
        self._memo: dict[Axes, Value] = {}
        self._forms: dict[Any, Value] = {}
        self._variable: tuple[Value, Any] | None = None

    @staticmethod
    def known(graph: Graph, name: str, array: Any, weight: bool = False) -> Tensor:
        """A tensor whose contents are known."""
        array = np.asarray(array)
        if array.dtype == object and not any(isinstance(a, str) for a in array.flat):
            array = array.astype(np.int64)
        tensor = Tensor(graph, name, array.shape)
        tensor.array = array
        tensor.weight = weight
        return tensor

    @staticmethod
    def held(value: Value, axes: Axes | None = None, name: str = "") -> Tensor:
        """A tensor that a value holds."""
        axes = arrange.plain(value.spec.rank) if axes is None else axes
        tensor = Tensor(value.graph, name, arrange.arranged(value.shape, arrange.inverse(axes)), axes)
        tensor._base = value
        return tensor

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> str:
        """Name of the dtype."""
        if self.array is not None:
            return str(self.array.dtype)
        assert self._base is not None
        return self._base.dtype

    @property
    def raw(self) -> Value:
        """The value, in the arrangement it has."""
        return self.arranged(self.axes)

    def arranged(self, axes: Axes) -> Value:
        """The value with ONNX axis ``axes[j]`` at place j."""
        if self._base is None:
            return self.form(None, axes)
        perm = arrange.permutation(self.axes, axes)
        if perm not in self._memo:
            self._memo[perm] = transpose(self._base, perm)
        return self._memo[perm]

    def plain(self) -> Value:
        """The value in ONNX's own order."""
        return self.arranged(arrange.plain(self.rank))

    def last(self) -> Value:
        """The value with the channels (ONNX axis 1) last."""
        return self.arranged(arrange.channels_last(self.rank))

    def place(self, axis: int) -> int:
        """Which axis of `raw` an ONNX axis is; negative ones count from the end."""
        return self.axes.index(self.axis(axis))

    def axis(self, axis: int) -> int:
        """An ONNX axis as a number from 0; refuses one that the tensor does not have."""
        if not -self.rank <= axis < self.rank:
            raise Refused(f"axis {axis} does not exist in a tensor of shape {list(self.shape)}")
        return int(axis) % self.rank

    def renamed(self, perm: Axes) -> Tensor:
        """The tensor transposed in ONNX's terms; no data moves."""
        other = Tensor(self.graph, self.name, arrange.arranged(self.shape, perm), arrange.renamed(self.axes, perm))
        other._base, other._memo = self._base, self._memo
        return other

    def map(self, function: Callable[[Value], Any]) -> Tensor:
        """Apply an elementwise function; the arrangement stays."""
        return Tensor.held(one(function(self.raw)), self.axes)

    # arrays that become constants or variables ------------------------------------------------------------------------

    def operand(self, rank: int, axes: Axes, strip: bool) -> Value:
        """An operand of a broadcasting operation of that rank whose full operands are arranged as `axes`.

        With `strip`, leading axes of size 1 go away, which broadcasting puts back.
        """
        if self.rank == rank and self._base is not None:
            return self.arranged(axes)
        if not self.rank:
            return self.plain()
        shape = (1,) * (rank - self.rank) + self.shape
        if self._base is None:
            return self.form(shape, axes, strip)
        if axes == arrange.plain(rank):
            return self.plain()
        value = transpose(reshape(self.plain(), shape), axes)
        return reshape(value, _stripped(value.shape)) if strip else value

    def parameter(self, axes: Axes | None = None, shape: Sequence[int] | None = None, trainable: bool = True) -> Value:
        """A weight: becomes a variable, reshaped to `shape` and then arranged as `axes`, once, while reading."""
        if self.array is not None:
            self.weight = True
            return self.form(shape, axes, trainable=trainable)
        value = self.plain() if shape is None else reshape(self.plain(), shape)
        return value if axes is None else transpose(value, axes)

    def form(
        self, shape: Sequence[Any] | None, axes: Axes | None, strip: bool = False, trainable: bool = True
    ) -> Value:
        """A known array as a constant or variable, reshaped, transposed and stripped of leading axes of size 1."""
        assert self.array is not None
        shape = self.shape if shape is None else tuple(shape)
        axes = arrange.plain(len(shape)) if axes is None else axes
        key = (shape, axes, strip)
        if key not in self._forms:
            if self._variable is None:
                self._forms[key] = self._first_form(key, trainable)
            else:  # another form of a variable is computed, so that training keeps them equal
                value = transpose(reshape(self._unformed(), shape), axes)
                self._forms[key] = reshape(value, _stripped(value.shape)) if strip else value
        return self._forms[key]

    def _first_form(self, key: Any, trainable: bool) -> Value:
        shape, axes, strip = key
        assert self.array is not None
        if self.array.dtype == object:
            names = sorted({a for a in self.array.flat if isinstance(a, str)})
            raise Refused(f"{self.name!r} depends on the size {', '.join(names)}: pass `shapes` that makes it a number")
        if str(self.array.dtype) in ("int8", "uint8", "int32"):  # of a quantised model: never a weight to be trained
            array = self.array.reshape(shape).transpose(axes)
            array = array.reshape(_stripped(array.shape)) if strip else array
            return self.graph.constant(array, self.name or "constant")
        if self.array.dtype.kind != "f":
            raise Refused(
                f"{self.name!r} holds {self.array.dtype}: the graph computes with floats and quantised weights"
            )
        array = self.array.astype(np.float32, copy=False).reshape(shape).transpose(axes)
        array = array.reshape(_stripped(array.shape)) if strip else array
        if not self.weight or not self.rank:
            return self.graph.constant(array, self.name or "constant")
        shared, label = {} if self.shared is None else self.shared, (self.name, *key)
        if label not in shared:
            shared[label] = Variable(np.array(array, order="C"), self.name or "weight", trainable)
        value = self.graph.variable(shared[label])
        self._variable = (value, key)
        return value

    def settle(self) -> np.ndarray | None:
        """Keep the array as a view of the variable that was made of it, instead of beside it; None if none was."""
        if self.array is None or self._variable is None or self.array.dtype != np.float32:
            return None
        value, (shape, axes, _) = self._variable
        assert value.variable is not None
        formed = value.variable.array.reshape(arrange.arranged(shape, axes))
        self.array = formed.transpose(arrange.inverse(axes)).reshape(self.shape)
        self.array.flags.writeable = False
        return self.array

    def _unformed(self) -> Value:
        assert self._variable is not None
        value, (shape, axes, _) = self._variable
        return reshape(transpose(reshape(value, arrange.arranged(shape, axes)), arrange.inverse(axes)), self.shape)


def _stripped(shape: Sequence[Any]) -> tuple[Any, ...]:
    """The shape without leading ones; one axis stays."""
    first = next((i for i, s in enumerate(shape) if s != 1), len(shape) - 1)
    return tuple(shape[max(first, 0) :])


def together(tensors: Sequence[Tensor]) -> tuple[list[Value], Axes]:
    """The operands of a broadcasting operation in one arrangement, and which one it is."""
    rank = max(t.rank for t in tensors)
    full = [t for t in tensors if t.array is None and t.rank == rank]
    straight = arrange.plain(rank)
    axes = next((t.axes for t in full if t.axes != straight), straight)
    return [t.operand(rank, axes, strip=bool(full)) for t in tensors], axes


def side_by_side(tensors: Sequence[Tensor]) -> tuple[list[Value], Axes]:
    """Tensors of one rank in one arrangement, as a concatenation wants them."""
    straight = arrange.plain(tensors[0].rank)
    if any(t.rank != tensors[0].rank for t in tensors):
        raise Refused(f"the inputs have different ranks: {', '.join(str(list(t.shape)) for t in tensors)}")
    axes = next((t.axes for t in tensors if t.array is None and t.axes != straight), straight)
    return [t.arranged(axes) for t in tensors], axes
