"""Kernels compiled in helper processes."""

from __future__ import annotations

import threading
import time

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


def test_what_is_needed_later_is_not_waited_for(folder, monkeypatch):
    monkeypatch.setattr(workers.machine, "usable_cpus", lambda: {0, 1})
    told, release = [], threading.Event()
    take = workers._Queue.take

    def held_up(queue, helper):
        kernel = take(queue, helper)
        assert kernel is not later or release.wait(60)
        return kernel

    later = SOME[0]
    monkeypatch.setattr(workers._Queue, "take", held_up)
    workers.compile_all(SOME[1:], lambda done, count: told.append((done, count)), later=[later])
    assert sorted(told) == [(n, 3) for n in range(4)]
    assert workers.missing(SOME) == [later]
    assert workers.underway == {later}
    release.set()
    for _ in range(600):
        if not workers.underway:
            break
        time.sleep(0.1)
    assert workers.missing(SOME) == []


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
        workers.compile_all(SOME[1:], later=SOME[:1])
    for _ in range(600):
        if not workers.underway:
            break
        time.sleep(0.1)
    assert not workers.underway
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
