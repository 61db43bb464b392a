"""Who converts what: importers by ONNX operator, exporters by op of edgenet.

An operator joins with one function:

    @importer("Relu", since=6)
    def read_relu(node): return node.input(0).map(lambda x: emit("relu", [x]))

    @exporter("relu")
    def write_relu(node, out): out.same(node, "Relu")
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import onnx

from edgenet.graph import Node

if TYPE_CHECKING:
    from .node import OnnxNode
    from .writer import Writer

#: opsets of the default domain that can be read; each onnx release knows its newest
OLDEST = 7
NEWEST: int = onnx.defs.onnx_opset_version()

Read = Callable[["OnnxNode"], Any]
Write = Callable[[Node, "Writer"], None]
ReadT = TypeVar("ReadT", bound=Read)
WriteT = TypeVar("WriteT", bound=Write)


class Importer(NamedTuple):
    """How an operator is read."""

    read: Read
    any_dtype: bool
    """whether inputs that are not float32 may reach it: it moves data and does not look at it"""


_importers: dict[tuple[str, str], dict[int, Importer]] = {}
_exporters: dict[str, Write] = {}
_without_form: dict[str, str] = {}


def importer(op: str, since: int = 1, *, domain: str = "", any_dtype: bool = False) -> Callable[[ReadT], ReadT]:
    """Register the reader of an operator whose meaning it has had since that version of the operator.

    Reading picks the newest one that is not newer than the operator's version in the opset of the model.
    """

    def register(read: ReadT) -> ReadT:
        versions = _importers.setdefault((domain, op), {})
        if since in versions:
            raise ValueError(f"the importer of {op} since version {since} is registered twice")
        versions[since] = Importer(read, any_dtype)
        return read

    return register


def exporter(name: str) -> Callable[[WriteT], WriteT]:
    """Register the writer of an op of edgenet."""

    def register(write: WriteT) -> WriteT:
        if name in _exporters:
            raise ValueError(f"the exporter of {name} is registered twice")
        _exporters[name] = write
        return write

    return register


def no_form(reason: str, *names: str) -> None:
    """State why ops of edgenet have no ONNX form."""
    for name in names:
        _without_form[name] = reason


def version_of(op: str, domain: str, opset: int) -> int | None:
    """The version of an operator in an opset: when it got the meaning it has there.  None for an unknown operator.

    An operator that was given up stays what it was if somebody reads that very version.
    """
    try:
        schema = onnx.defs.get_schema(op, max_inclusive_version=opset, domain=domain)
    except onnx.defs.SchemaError:
        return None
    since = int(schema.since_version)
    return None if schema.deprecated and since not in _importers.get((domain, op), {}) else since


def find_importer(op: str, domain: str, opset: int) -> Importer | None:
    """The importer of an operator in an opset, or None."""
    versions = _importers.get((domain, op), {})
    version = version_of(op, domain, opset)
    if version is None:  # not an operator of onnx itself: the opset of its domain is all there is to go by
        version = 0 if domain == "" else opset
    fitting = [v for v in versions if v <= version]
    return versions[max(fitting)] if fitting else None


def find_exporter(name: str) -> Write | None:
    """The exporter of an op, or None."""
    return _exporters.get(name)


def why_no_form(name: str) -> str | None:
    """Why an op has no ONNX form; None where it has one, or nobody has said."""
    return _without_form.get(name)


def operators() -> dict[str, list[int]]:
    """The operators that can be read, with the versions at which their readers begin.

    >>> from edgenet.converters.onnx.registry import operators
    >>> operators()["Softmax"]
    [1, 13]
    """
    return {".".join(filter(None, key)): sorted(versions) for key, versions in sorted(_importers.items())}
