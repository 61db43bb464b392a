"""What is built holds every module of the library under its import name, once, and nothing else."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"edgenet": "edgenet", "kernels": "edgenet/kernels", "converters": "edgenet/converters"}
DATA = {"edgenet/py.typed"}
HALF_WRITTEN = shutil.ignore_patterns("*.pyc.*")  # by another process of the tests
LEFT_BEHIND = shutil.ignore_patterns(".git", ".*cache", ".hypothesis", "__pycache__", "*.egg-info", "build", "dist")


def sources() -> set[str]:
    """The modules, as paths from the root: those git has or would take, so that an ignored one is missed.

    Outside a git checkout they are those on the disk.
    """
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *PACKAGES]
    if shutil.which("git") and (ROOT / ".git").exists():
        answer = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True)
        if answer.returncode == 0:
            names = answer.stdout.split("\0")
            return {name for name in names if name.endswith(".py") and (ROOT / name).is_file()}
    paths = (path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix() for path in paths if path.resolve() == path}


def installed(source: str) -> str:
    """Where a module of the checkout lies in the wheel.

    >>> installed("kernels/cpu/pool.py")
    'edgenet/kernels/cpu/pool.py'
    """
    folder, _, rest = source.partition("/")
    return f"{PACKAGES[folder]}/{rest}"


def build(source: Path, out: Path, kind: str) -> Path:
    """Build without the network, from the given tree, with the setuptools of this environment."""
    if importlib.util.find_spec("build") is None:
        pytest.skip("the package `build` is not installed; the extra `test` has it")
    try:
        version = importlib.metadata.version("setuptools")
    except importlib.metadata.PackageNotFoundError:
        version = "0"
    if int(version.partition(".")[0]) < 77:
        pytest.skip(f"pyproject.toml needs setuptools 77 or newer to build, found {version}; the extra `test` has it")
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out), str(source)]
    run = subprocess.run(command, cwd=out.parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    (made,) = out.iterdir()
    return made


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy to build from: setuptools leaves `build/` in the tree, and takes stale modules from it the next time."""
    copy = tmp_path_factory.mktemp("tree") / "edgenet"
    top = [path for path in ROOT.iterdir() if path.name in {*PACKAGES, "tests", "docs"} or path.is_file()]
    copy.mkdir()
    for path in top:
        if path.is_dir():
            shutil.copytree(
                path, copy / path.name, symlinks=True, ignore=LEFT_BEHIND if path.name == "tests" else HALF_WRITTEN
            )
        else:
            shutil.copy2(path, copy)
    return copy


@pytest.fixture(scope="module")
def sdist(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tree, tmp_path_factory.mktemp("sdist") / "dist", "sdist")


def contents(wheel: Path) -> list[str]:
    """The files of a wheel, without its own records."""
    with zipfile.ZipFile(wheel) as archive:
        assert not [item.filename for item in archive.infolist() if (item.external_attr >> 16) & 0o170000 == 0o120000]
        return sorted(name for name in archive.namelist() if ".dist-info/" not in name)


def test_the_wheel_holds_the_modules_git_tracks_and_nothing_else(tree: Path, tmp_path: Path) -> None:
    found = contents(build(tree, tmp_path / "dist", "wheel"))
    assert found == sorted({installed(name) for name in sources()} | DATA)


def test_the_wheel_built_from_the_sdist_is_the_same(sdist: Path, tmp_path: Path) -> None:
    # An sdist holds no links, so this is also the checkout on a file system without them.
    with tarfile.open(sdist) as archive:
        assert not [item.name for item in archive if item.issym() or item.islnk()]
        archive.extractall(tmp_path, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (unpacked,) = tmp_path.iterdir()
    found = contents(build(unpacked, tmp_path / "dist", "wheel"))
    assert found == sorted({installed(name) for name in sources()} | DATA)


def test_the_sdist_holds_the_sources_the_tests_and_the_papers(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        found = {str(PurePosixPath(*PurePosixPath(item.name).parts[1:])) for item in archive if item.isfile()}
    wanted = sources() | DATA | {"LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml", "tests/conftest.py"}
    assert wanted - found == set()
    assert not {name for name in found if "__pycache__" in name}


@pytest.mark.parametrize(("link", "target"), [("edgenet/kernels", "kernels"), ("edgenet/converters", "converters")])
def test_a_checkout_sees_one_tree(link: str, target: str) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: an sdist has no links")
    if (ROOT / link).is_file():
        pytest.skip("git wrote the link as a file: this file system has none, or core.symlinks is off")
    assert (ROOT / link).resolve() == ROOT / target


@pytest.mark.parametrize("name", ["kernels", "converters"])
def test_a_package_refuses_the_name_of_its_folder(name: str) -> None:
    run = subprocess.run([sys.executable, "-c", f"import {name}"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert f"ImportError: this package was imported as '{name}', but its name is 'edgenet.{name}'" in run.stderr
