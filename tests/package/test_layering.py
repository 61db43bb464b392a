"""Who may import whom: the house rules, held against every import statement of the library."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"edgenet": "edgenet", "edgenet.kernels": "kernels", "edgenet.converters": "converters"}

# A room is a folder or a single file right under `edgenet`. FACE is `edgenet/__init__.py`, what a user sees.
FACE = "edgenet"
HUB = {"graph", "ops"}
PARTS = {"activations", "constraints", "initializers", "losses", "metrics", "regularizers"}
LIBRARY = HUB | PARTS | {"callbacks", "compile", "datasets", "kernels", "layers", "models", "optimizers", "utils"}

# room: the rooms it may import, itself aside
ROOMS: dict[str, set[str]] = {
    "kernels": set(),
    "graph": {"kernels"},
    "ops": {"graph", "kernels"},
    "compile": HUB | {"kernels"},
    **{part: HUB | {"utils"} for part in PARTS},
    "metrics": HUB | {"losses", "utils"},
    "layers": HUB | PARTS | {"utils"},
    "optimizers": HUB | PARTS | {"utils"},
    "callbacks": {"utils"},
    "datasets": set(),
    "utils": set(),
    "models": LIBRARY,
    "converters": HUB | {"compile", "kernels", "layers", "models"},  # running whole files, and making models of them
    "converters.__init__": {"converters.keras"},  # for type checkers; otherwise on first use
    "converters.keras": LIBRARY | {"converters"},  # a file of Keras says layers and training, not a graph
    FACE: LIBRARY,
    "cli": LIBRARY | {FACE, "converters"},
    "__main__": {"cli"},
}

# room: what a function of it may import besides, when it is called. ONNX stays optional this way.
LAZY: dict[str, set[str]] = {
    "models": {"converters", "converters.keras"},
    FACE: {"converters"},
}

# room: the packages of others it may import, NumPy aside
OTHERS: dict[str, set[str]] = {
    "kernels": {"numba", "llvmlite"},
    "callbacks": {"tensorboardX", "tqdm"},
    "datasets": {"tqdm"},
    "models": {"tqdm"},
    "converters": {"onnx", "onnxruntime"},
    "converters.keras": {"h5py"},
    "cli": {"onnxruntime", "tqdm"},
}


class Import(NamedTuple):
    line: int
    target: str
    deferred: bool  # stands inside a function


def modules() -> dict[str, Path]:
    """Every module of the library by its import name; links are not followed, so each comes once."""
    found = {}
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            if not any(parent.is_symlink() for parent in path.parents if parent != ROOT and ROOT in parent.parents):
                found[".".join((package, *parts))] = path
    return found


def room(name: str) -> str:
    """The room of a module, of a package or of a name in one.

    >>> room("edgenet.ops.pool"), room("edgenet.__init__"), room("edgenet"), room("edgenet.converters.keras.files")
    ('ops', 'edgenet', 'edgenet', 'converters.keras')
    """
    if f"{name}.".startswith("edgenet.converters.keras."):
        return "converters.keras"
    if name == "edgenet.converters.__init__":
        return "converters.__init__"
    head = [*name.split("."), "__init__"][1]
    return FACE if head == "__init__" else head


def imports(module: str, source: str) -> Iterator[Import]:
    """The import statements of a module, with relative names resolved, outside and inside its functions."""

    def walk(node: ast.AST, deferred: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(child.lineno, alias.name, deferred) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                above = module.split(".")[: -child.level] if child.level else []
                base = ".".join([*above, *([child.module] if child.module else [])])
                for alias in child.names:
                    # `from edgenet import ops` means a room, `from edgenet import Sequential` the face.
                    inside = base != "edgenet" or alias.name in ROOMS
                    yield Import(child.lineno, f"{base}.{alias.name}" if inside else base, deferred)
            else:
                yield from walk(child, deferred or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef))

    return walk(ast.parse(source), False)


def faults(module: str, source: str) -> list[str]:
    """The imports of a module which the tables do not allow, as sentences."""
    here, found = room(module), []
    if here not in ROOMS:
        return [f"{module}: the room {here!r} is not in the table; enter it with the rooms it may import"]
    for line, target, deferred in imports(module, source):
        top = target.partition(".")[0]
        if top == "edgenet":
            allowed = ROOMS[here] | {here} | (LAZY.get(here, set()) if deferred else set())
            if room(target) not in allowed:
                found.append(f"{module}:{line}: {here} may not import {target}; it may import {sorted(allowed)}")
        elif top in FOLDERS.values():
            found.append(f"{module}:{line}: {target} is imported by the name of its folder; write edgenet.{target}")
        elif top not in sys.stdlib_module_names | {"numpy"} | OTHERS.get(here, set()):
            found.append(f"{module}:{line}: {here} may not import {top}")
        elif top == "llvmlite" and module.count(".") > 2:
            found.append(f"{module}:{line}: llvmlite is for the modules right under kernels, not for a kernel")
    return found


@pytest.mark.parametrize(("module", "path"), modules().items(), ids=modules())
def test_every_import_is_allowed(module: str, path: Path) -> None:
    found = faults(module, path.read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", sorted((ROOT / "tests" / "oracle").glob("*.py")), ids=lambda path: path.stem)
def test_an_oracle_imports_nothing_it_judges(path: Path) -> None:
    found = imports(f"oracle.{path.stem}", path.read_text(encoding="utf-8"))
    tops = {target.partition(".")[0] for _, target, _ in found}
    assert tops <= sys.stdlib_module_names | {"numpy", "oracle"}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("edgenet.kernels.cpu.pool", "from edgenet.graph import Graph"),
        ("edgenet.kernels.cpu.pool", "from ... import ops"),
        ("edgenet.kernels.cpu.pool", "from llvmlite import ir"),
        ("edgenet.graph.graph", "def f():\n    from ..ops import pool"),
        ("edgenet.graph.__init__", "from ..models import Model"),
        ("edgenet.ops.pool", "import numba"),
        ("edgenet.ops.pool", "from edgenet import Sequential"),
        ("edgenet.layers.pool", "from ..kernels.cpu import pool"),
        ("edgenet.models.model", "from ..converters import onnx"),
        ("edgenet.models.model", "def f():\n    from .. import cli"),
        ("edgenet.converters.onnx.ops.pool", "from ....cli import demo"),
        ("edgenet.converters.onnx.ops.pool", "import converters.onnx"),
        ("edgenet.converters.onnx.reader", "from ..keras import load_keras"),
        ("edgenet.converters.onnx.ops.pool", "import h5py"),
        ("edgenet.converters.keras.files", "import onnx"),
        ("edgenet.__init__", "from . import converters"),
        ("edgenet.cellar.wine", ""),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str) -> None:
    assert len(faults(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("edgenet.kernels.cpu.pool", "import numpy as np\nfrom ..compiler import kernel\nfrom . import reduce"),
        ("edgenet.kernels.simd", "from llvmlite import ir"),
        ("edgenet.ops.pool", "from edgenet import graph\nfrom ..kernels.cpu import pool"),
        ("edgenet.models.model", "def f():\n    from ..converters import onnx"),
        ("edgenet.converters.keras.build", "import h5py\nfrom edgenet.models import Model\nfrom ..errors import X"),
        ("edgenet.converters.onnx.ops.pool", "import onnx\nfrom ....graph import Graph\nfrom .. import registry"),
        ("edgenet.__init__", "from . import ops\nfrom .models import Sequential"),
        ("edgenet.cli.__init__", "from .. import __version__\nfrom .demo import demo"),
    ],
)
def test_an_allowed_import_is_let_through(module: str, source: str) -> None:
    assert faults(module, source) == []
