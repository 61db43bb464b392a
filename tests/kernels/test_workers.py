"""Kernels compiled in helper processes."""

from __future__ import annotations

import pytest

from edgenet.kernels import cache, compiler, workers
from edgenet.kernels.compiler import In, Out, i64, kernel
from edgenet.kernels.cpu import elementwise, movement

SOME = [movement.copy, elementwise.square, elementwise.sqrt, elementwise.exp]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(compiler.Kernel, "loaded", False)  # whatever ran before in this process
    monkeypatch.setenv("EDGENET_CACHE_DIR", str(tmp_path / "kernels"))
    cache.folder.cache_clear()
    yield tmp_path / "kernels"
    cache.folder.cache_clear()


def test_helpers_fill_the_cache_and_say_so(folder, monkeypatch):
    monkeypatch.setattr(workers.machine, "usable_cpus", lambda: {0, 1})
    told = []
    assert workers.missing(SOME) == SOME
    workers.compile_all(SOME, lambda done, count: told.append((done, count)))
    assert workers.missing(SOME) == []
    assert sorted(told) == [(n, len(SOME)) for n in range(len(SOME) + 1)]
    workers.compile_all(SOME, lambda done, count: told.append((done, count)))  # nothing to do, nobody is told
    assert len(told) == len(SOME) + 1


@pytest.mark.parametrize("trouble", ["frozen", "no process", "a helper that fails", "no folder", "no memory"])
def test_trouble_with_helpers_is_no_error(folder, monkeypatch, trouble):
    with monkeypatch.context() as patch:
        patch.setattr(workers.machine, "usable_cpus", lambda: {0, 1})
        if trouble == "frozen":
            patch.setattr(workers.sys, "frozen", True, raising=False)
        elif trouble == "no process":
            patch.setattr(workers.subprocess, "Popen", lambda *_, **__: (_ for _ in ()).throw(OSError("no more")))
        elif trouble == "no memory":
            patch.setattr(workers.memory, "free_bytes", lambda: workers.HELPER_BYTES)
            patch.setattr(workers, "_start", lambda kernels: pytest.fail("a helper was started"))
        elif trouble == "no folder":
            patch.setattr(cache, "folder", lambda: None)
        else:
            patch.setattr(workers, "__name__", "no.such.module")
        workers.compile_all(SOME)
    assert workers.missing(SOME) == SOME
    SOME[0].store()
    assert workers.missing(SOME) == SOME[1:]


def test_kernels_of_somebody_else_stay_in_this_process(folder, monkeypatch):
    monkeypatch.setattr(workers.machine, "usable_cpus", lambda: {0, 1})
    monkeypatch.setattr(workers, "_start", lambda kernels: pytest.fail("a helper was started"))

    def own(x: In, y: Out, lo: i64, hi: i64):
        for i in range(lo, hi):
            y[i] = x[i]

    workers.compile_all([kernel(own)] * 5)
