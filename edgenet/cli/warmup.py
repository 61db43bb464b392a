"""``edgenet warmup``: compile ahead of time what a model, or the whole library, needs."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import time
from pathlib import Path

from tqdm import tqdm

from edgenet.compile import compile_graph
from edgenet.kernels import cache, cpu, walk, workers
from edgenet.kernels.compiler import Kernel, by_name

from . import positive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("models", nargs="*", metavar="MODEL", help="ONNX files; none: every kernel of the library")
    parser.add_argument(
        "--batch", type=positive, action="append", help="batch size where a model leaves it open (default: 1)"
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    folder = cache.folder()
    if folder is None:
        raise OSError("there is no folder for compiled kernels: set EDGENET_CACHE_DIR to one that you can write")
    started, before = time.perf_counter(), _count(folder)
    for path in options.models:
        for batch in options.batch or [1]:
            warm(path, batch)
    if not options.models:
        compile_all(library())
    print(f"{_count(folder) - before} kernels compiled in {time.perf_counter() - started:.1f} s, kept in {folder}")
    return 0


def warm(path: str, batch: int) -> None:
    """Compile what an ONNX file needs to run at a batch size."""
    from edgenet.converters import onnx

    graph = onnx.load(path)
    shapes = {v.name: (batch, *v.shape[1:]) for v in graph.inputs if isinstance(v.shape[0], str)}
    compile_graph(onnx.load(path, shapes) if shapes else graph)
    for kernel in (walk.walk, walk.lead, walk.follow):  # which a run with several threads needs
        kernel.store()


def compile_all(kernels: list[Kernel]) -> None:
    """Compile kernels with a bar."""
    with tqdm(total=len(workers.missing(kernels)), desc="compiling", unit=" kernels", leave=False) as bar:

        def tell(done: int, count: int) -> None:
            bar.total = count
            bar.update(done - bar.n)

        workers.compile_all(kernels, tell)
        for kernel in kernels:
            kernel.store()


def library() -> list[Kernel]:
    """Every kernel that comes with the library."""
    for module in pkgutil.iter_modules(cpu.__path__):
        importlib.import_module(f"{cpu.__name__}.{module.name}")
    return [kernel for (module, _), kernel in by_name.items() if module.startswith("edgenet.kernels.")]


def _count(folder: Path) -> int:
    return sum(entry.name.endswith(".o") for entry in os.scandir(folder))
