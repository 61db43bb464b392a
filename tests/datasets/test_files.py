import gzip
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from edgenet.datasets import _files, cifar10, fashion_mnist, mnist
from edgenet.datasets._files import Remote, cache_folder, download, locate

CONTENT = b"some content " * 1000


@pytest.fixture
def mirror(tmp_path):
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "set.bin").write_bytes(CONTENT)
    return folder.as_uri() + "/"


def remote(*mirrors, content=CONTENT):
    return Remote("set.bin", len(content), hashlib.sha256(content).hexdigest(), mirrors)


def find(folder):
    file = folder / "set.bin"
    return file if file.is_file() else None


def test_the_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.delenv("EDGENET_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "edgenet" / "datasets"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "edgenet" / "datasets"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "edgenet" / "datasets"
    monkeypatch.setenv("EDGENET_DATA", "~/data")
    assert cache_folder() == tmp_path / "data"


def test_a_download_lands_in_the_cache_once(tmp_path, monkeypatch, mirror):
    monkeypatch.setenv("EDGENET_DATA", str(tmp_path / "cache"))
    file = locate("some-set", None, find, "set.bin", (remote(mirror),))
    assert file == tmp_path / "cache" / "some-set" / "set.bin"
    assert file.read_bytes() == CONTENT
    assert locate("some-set", None, find, "set.bin", ()) == file
    assert list(file.parent.iterdir()) == [file]


def test_the_next_mirror_is_tried(tmp_path, mirror):
    download(remote((tmp_path / "nowhere").as_uri() + "/", mirror), tmp_path)
    assert (tmp_path / "set.bin").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (CONTENT[:-1] + b"!", r"sent a file with SHA-256 \w+, expected \w+"),
        (CONTENT + b"!", r"sent 13000 of 13001 bytes expected"),
        (CONTENT[:-1], r"sent more than the 12999 bytes expected"),
    ],
)
def test_a_wrong_download_is_not_kept(tmp_path, monkeypatch, mirror, expected, message):
    monkeypatch.setenv("EDGENET_DATA", str(tmp_path / "cache"))
    with pytest.raises(FileNotFoundError, match=message) as caught:
        locate("some-set", None, find, "set.bin", (remote(mirror, content=expected),))
    assert "some-set: not found in" in str(caught.value)
    assert "name a folder with path=, or set EDGENET_DATA" in str(caught.value)
    assert list((tmp_path / "cache" / "some-set").iterdir()) == []


def test_no_network_is_told_with_what_to_do(tmp_path, monkeypatch):
    def refuse(url, timeout):
        raise TimeoutError("timed out")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.setenv("EDGENET_DATA", str(tmp_path))
    for module in (mnist, fashion_mnist, cifar10):
        with pytest.raises(FileNotFoundError, match=r"https://.*: timed out.*Put these files into that folder"):
            module.load_data()


def test_a_cache_which_cannot_be_made_is_told(tmp_path, monkeypatch, mirror):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EDGENET_DATA", str(tmp_path / "file"))
    with pytest.raises(FileNotFoundError, match=r"download failed.*set EDGENET_DATA"):
        locate("some-set", None, find, "set.bin", (remote(mirror),))


def test_mnist_is_downloaded_file_by_file(tmp_path, monkeypatch):
    # Real addresses are replaced by a folder, real checksums by those of tiny files.
    from edgenet.datasets._idx import STEMS

    (tmp_path / "mirror").mkdir()
    remotes = []
    for stem in STEMS:
        header = (
            bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28])
            if "idx3" in stem
            else bytes([0, 0, 8, 1, 0, 0, 0, 2])
        )
        content = gzip.compress(header + bytes(2 * 784 if "idx3" in stem else 2))
        (tmp_path / "mirror" / f"{stem}.gz").write_bytes(content)
        address = (tmp_path / "mirror").as_uri() + "/"
        remotes.append(Remote(f"{stem}.gz", len(content), hashlib.sha256(content).hexdigest(), (address,)))
    monkeypatch.setattr(mnist, "_REMOTES", tuple(remotes))
    monkeypatch.setenv("EDGENET_DATA", str(tmp_path / "cache"))
    (x_train, y_train), _ = mnist.load_data()
    assert x_train.shape == (2, 28, 28)
    assert y_train.shape == (2,)
    assert len(list((tmp_path / "cache" / "mnist").iterdir())) == 4


def test_published_checksums_hold_for_the_files_at_hand(shared):
    seen = 0
    for module, folder in ((mnist, "mnist"), (fashion_mnist, "fashion-mnist")):
        for entry in module._REMOTES:
            file = shared / "data" / folder / entry.name
            # A copy of another length was packed anew, so its checksum says nothing.
            if file.is_file() and file.stat().st_size == entry.size_bytes:
                assert hashlib.sha256(file.read_bytes()).hexdigest() == entry.sha256
                seen += 1
    if not seen:
        pytest.skip(f"no file of MNIST or Fashion-MNIST, packed as published, in {shared}")


def test_importing_the_data_sets_opens_no_network_module():
    root = Path(_files.__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import edgenet; before = set(sys.modules); "
    code += (
        "import edgenet.datasets; print(*sorted({'urllib.request', 'tarfile', 'tqdm'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
