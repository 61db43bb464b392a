"""Fresh processes and the folder of compiled kernels: filled by two at once, read-only, full, copied, no home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

#: a model with a handful of kernels that are soon compiled; says whether it is right, and whether anything had to be
#: compiled, here or in a process that this one started
PROGRAM = """
import sys
import numpy as np
from edgenet import ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph
from edgenet.kernels.compiler import announcing
told = []
graph = Graph("test")
a, b = np.arange(12, dtype=np.float32).reshape(3, 4) / 10, np.ones((3, 1), np.float32)
x, w = graph.input((3, 4), name="x"), graph.input((3, 1), name="w")
graph.outputs = [ops.sqrt(ops.add(x, w))]
with announcing(lambda: told.append("compiled")):
    y, = compile_graph(graph).run(a, b)
print(np.allclose(y, np.sqrt(a + b), rtol=1e-5), bool(told) or "numba" in sys.modules)
"""
ALONE = ["unshare", "--user", "--map-root-user", "--mount"]


def command(code=PROGRAM, warnings="error"):
    return [sys.executable, "-W", warnings, "-c", code]


def environment(**more):
    """That of the tests without a word about folders."""
    told = {k: v for k, v in os.environ.items() if k not in ("EDGENET_CACHE_DIR", "XDG_CACHE_HOME")}
    return told | {k: str(v) for k, v in more.items()}


def run(line, **more):
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, env=environment(**more))
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A folder with what PROGRAM needs."""
    folder = tmp_path_factory.mktemp("warm") / "kernels"
    assert run(command(), EDGENET_CACHE_DIR=folder).stdout == "True True\n"
    return folder


@pytest.fixture
def mounts():
    """Skips where this user cannot mount anything, not even in a name space of his own."""
    if not shutil.which("unshare") or subprocess.run([*ALONE, "true"], capture_output=True).returncode:
        pytest.skip("this user cannot mount file systems")


def mounted(how, line):
    """A command line that mounts something for itself first."""
    return [*ALONE, "sh", "-c", f'{how} && exec "$@"', "sh", *line]


def test_two_processes_fill_an_empty_folder_at_once(tmp_path):
    folder = tmp_path / "kernels"
    both = [
        subprocess.Popen(command(), env=environment(EDGENET_CACHE_DIR=folder), stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [p.communicate(timeout=300)[0] for p in both] == ["True True\n"] * 2
    assert {p.suffix for p in folder.iterdir()} == {".o"}, "nothing half written is left"
    assert run(command(), EDGENET_CACHE_DIR=folder).stdout == "True False\n"


def test_a_folder_that_was_copied_is_as_good(warm, tmp_path):
    shutil.copytree(warm, tmp_path / "elsewhere")
    assert run(command(), EDGENET_CACHE_DIR=tmp_path / "elsewhere").stdout == "True False\n"


@pytest.mark.parametrize("name", ["EDGENET_CACHE_DIR", "HOME"])
def test_a_read_only_disk_with_all_kernels_is_enough(warm, tmp_path, mounts, name):
    folder = tmp_path / (".cache/edgenet/kernels" if name == "HOME" else "kernels")
    shutil.copytree(warm, folder)
    given = {name: tmp_path if name == "HOME" else folder}
    how = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,bind,ro {tmp_path}"
    assert run(mounted(how, command()), **given).stdout == "True False\n"


def test_on_a_read_only_disk_without_kernels_the_temporary_folder_is_taken(tmp_path, mounts):
    (tmp_path / "home").mkdir()
    (tmp_path / "temporary").mkdir()
    home = tmp_path / "home"
    how = f"mount --bind {home} {home} && mount -o remount,bind,ro {home}"
    given = {"HOME": home, "TMPDIR": tmp_path / "temporary"}
    first = run(mounted(how, command(warnings="default")), **given)
    assert first.stdout == "True True\n"
    assert first.stderr.count("UserWarning") == 1
    assert f"{home}/.cache/edgenet/kernels cannot be used; kernels are cached in {tmp_path}/temporary/" in first.stderr
    assert run(mounted(how, command(warnings="ignore")), **given).stdout == "True False\n"


def test_a_full_disk_costs_time_only(tmp_path, mounts):
    how = f"mount -t tmpfs -o size=4k,mode=700 tmpfs {tmp_path} && mkdir {tmp_path}/kernels"
    look = f"; import os; print(*os.listdir({str(tmp_path / 'kernels')!r}))"
    line = mounted(how, command(PROGRAM + look.removeprefix("; ")))
    done = run(line, EDGENET_CACHE_DIR=tmp_path / "kernels")
    answer, left = done.stdout.splitlines()
    assert answer == "True True"
    assert ".tmp" not in left, "nothing half written is left"


def test_without_a_home(tmp_path):
    """A service without HOME whose user has no folder either."""
    code = "import os, pwd\npwd.getpwuid = None\nos.environ.pop('HOME', None)\nos.path.expanduser = lambda p: p\n"
    done = run(command(code + PROGRAM, "default"), TMPDIR=tmp_path)
    assert done.stdout == "True True\n"
    assert done.stderr.count("UserWarning") == 1
    assert "kernels are cached in" in done.stderr
    assert not (Path.cwd() / "~").exists()


@pytest.fixture
def archive(tmp_path, root):
    """The package as a zip file."""
    path = tmp_path / "edgenet.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("edgenet", "edgenet/kernels", "edgenet/converters"):
            top = name.rpartition("/")[2]
            for source in sorted((root / top).rglob("*.py")):
                inner = f"{name}/{source.relative_to(root / top).as_posix()}"
                if inner not in file.namelist():
                    file.write(source, inner)
    return path


def test_out_of_a_zip_file(archive, tmp_path):
    """It runs, and what it keeps is found again; with other sources in the file it is not."""
    code = f"import sys; sys.path.insert(0, {str(archive)!r}); import edgenet\nassert '.zip' in edgenet.__file__\n"
    given = {"EDGENET_CACHE_DIR": tmp_path / "kernels"}
    assert run(command(code + PROGRAM), **given).stdout == "True True\n"
    assert run(command(code + PROGRAM), **given).stdout == "True False\n"
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("edgenet/kernels/new.py", "# a new kernel")
    assert run(command(code + PROGRAM), **given).stdout == "True True\n"
