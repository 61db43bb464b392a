"""The one kind of pickle which CIFAR-10 comes in, read without running anything.

A pickle is a program for a small stack machine, and two of its instructions import and call whatever they name. This
reader knows only the instructions that the files of CIFAR-10 hold (protocol 2, written by Python 2), and where they say
to call ``numpy.core.multiarray._reconstruct`` or ``numpy.dtype`` it notes the call down instead. So it imports nothing,
calls nothing, and holds no more than the file does.

Source: the comments of the standard module pickletools, whose names of the instructions stand beside them below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_RECONSTRUCT = {"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"}
_NAMES = _RECONSTRUCT | {"numpy.ndarray", "numpy.dtype"}


@dataclass
class Call:
    """A call the pickle asked for and did not get: one of ``_NAMES``, its arguments, the state to be set after."""

    function: str
    arguments: Any = ()
    state: Any = None


def read_pickle(data: bytes) -> Any:
    """Read such a pickle. Byte strings come back as str, one character a byte (latin-1), calls as ``Call``.

    Raises:
        ValueError: the data is damaged, or holds anything that the files of CIFAR-10 do not.
    """
    try:
        return _run(_Bytes(data))
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        # What a damaged program makes the stack machine below trip over.
        raise ValueError(f"the pickle is damaged ({type(error).__name__}: {error})") from error


class _Bytes:
    """Bytes taken from the front, never more than there are."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, count: int) -> bytes:
        self.at += count
        if self.at > len(self.data):
            raise ValueError("the pickle is cut short")
        return self.data[self.at - count : self.at]

    def number(self, size_bytes: int, signed: bool = False) -> int:
        return int.from_bytes(self.take(size_bytes), "little", signed=signed)

    def text(self, count: int) -> str:
        return self.take(count).decode("latin-1")

    def line(self) -> str:
        count = self.data.index(b"\n", self.at) - self.at
        return self.text(count + 1)[:-1]


def _run(source: _Bytes) -> Any:
    stack: list[Any] = []
    outer: list[list[Any]] = []  # the stacks set aside at each MARK
    memo: dict[int, Any] = {}
    while True:
        match source.take(1):
            case b"\x80":  # PROTO
                source.take(1)
            case b"K":  # BININT1
                stack.append(source.number(1))
            case b"M":  # BININT2
                stack.append(source.number(2))
            case b"J":  # BININT
                stack.append(source.number(4, signed=True))
            case b"U":  # SHORT_BINSTRING
                stack.append(source.text(source.number(1)))
            case b"T":  # BINSTRING
                stack.append(source.text(source.number(4)))
            case b"N" | b"\x88" | b"\x89" as code:  # NONE, NEWTRUE, NEWFALSE
                stack.append({b"N": None, b"\x88": True, b"\x89": False}[code])
            case b"}" | b"]" as code:  # EMPTY_DICT, EMPTY_LIST
                stack.append({} if code == b"}" else [])
            case b"q" | b"r" as code:  # BINPUT, LONG_BINPUT
                memo[source.number(1 if code == b"q" else 4)] = stack[-1]
            case b"h" | b"j" as code:  # BINGET, LONG_BINGET
                stack.append(memo[source.number(1 if code == b"h" else 4)])
            case b"(":  # MARK
                outer.append(stack)
                stack = []
            case b"e":  # APPENDS
                items, stack = stack, outer.pop()
                stack[-1].extend(items)
            case b"u":  # SETITEMS
                items, stack = stack, outer.pop()
                stack[-1].update(zip(map(_only_str, items[::2]), items[1::2], strict=True))
            case b"t":  # TUPLE
                items, stack = stack, outer.pop()
                stack.append(tuple(items))
            case b"\x85" | b"\x86" | b"\x87" as code:  # TUPLE1, TUPLE2, TUPLE3
                count = code[0] - 0x84
                stack[-count:] = [tuple(stack[-count:])]
            case b"c":  # GLOBAL
                stack.append(_known(f"{source.line()}.{source.line()}"))
            case b"R":  # REDUCE
                arguments = stack.pop()
                stack.append(Call(_only_str(stack.pop()), arguments))
            case b"b":  # BUILD
                state = stack.pop()
                stack[-1].state = state
            case b".":  # STOP
                return stack.pop()
            case code:
                raise ValueError(f"the pickle holds the instruction {code!r}, which no file of CIFAR-10 does")


def _known(name: str) -> str:
    if name not in _NAMES:
        raise ValueError(f"the pickle names {name!r}, which no file of CIFAR-10 does; it is not imported")
    return name


def _only_str(item: Any) -> str:
    """Refuse anything else where an item will be hashed: a tuple nested deeply enough overflows the C stack there."""
    if not isinstance(item, str):
        raise TypeError(f"a {type(item).__name__} stands where a string belongs")
    return item


def as_uint8_matrix(call: Any) -> NDArray[np.uint8]:
    """The matrix of unsigned bytes which a noted call of NumPy's ``_reconstruct`` describes.

    Raises:
        ValueError: it describes something else, or its bytes do not fill its shape.
    """
    if not (isinstance(call, Call) and call.function in _RECONSTRUCT and isinstance(call.state, tuple)):
        raise ValueError(f"expected a NumPy array, found {type(call).__name__}")
    try:
        _version, (rows, columns), dtype, fortran, raw = call.state
        described = (dtype.function, *dtype.arguments)[:2]
        body = raw.encode("latin-1")
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError("the NumPy array is not described as a matrix") from error
    if described != ("numpy.dtype", "u1") or fortran is not False:
        raise ValueError("expected a NumPy array of uint8 in C order")
    if not (isinstance(rows, int) and isinstance(columns, int)):
        raise ValueError("the shape of the NumPy array is no pair of whole numbers")
    if rows < 1 or columns < 1 or rows * columns != len(body):
        raise ValueError(f"the NumPy array claims the shape {(rows, columns)}, but holds {len(body)} bytes")
    return np.frombuffer(body, np.uint8).reshape(rows, columns)
