import gzip
import struct

import numpy as np
import pytest

from edgenet.datasets import fashion_mnist, mnist
from edgenet.datasets._idx import STEMS, read_idx


def idx(array, claim=None, magic=None):
    """The bytes of an IDX file; `claim` is the shape its header states."""
    shape = array.shape if claim is None else claim
    return (magic or bytes([0, 0, 8, array.ndim])) + struct.pack(f">{len(shape)}I", *shape) + array.tobytes()


def write_set(folder, n_train=12, n_test=5, pack=True):
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(n_train)
    arrays = []
    for n, images, labels in ((n_train, *STEMS[:2]), (n_test, *STEMS[2:])):
        x = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        y = (np.arange(n) % 10).astype(np.uint8)
        for stem, array in ((images, x), (labels, y)):
            if pack:
                (folder / f"{stem}.gz").write_bytes(gzip.compress(idx(array)))
            else:
                (folder / stem).write_bytes(idx(array))
        arrays.append((x, y))
    return arrays


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGENET_DATA", str(tmp_path / "cache"))


@pytest.mark.parametrize("pack", [True, False])
@pytest.mark.parametrize(("module", "folder"), [(mnist, "mnist"), (fashion_mnist, "fashion-mnist")])
@pytest.mark.parametrize("where", ["path", "parent", "cache"])
def test_a_set_is_read_as_keras_returns_it(tmp_path, module, folder, pack, where):
    path = {"path": tmp_path / "here", "parent": tmp_path / "data" / folder, "cache": tmp_path / "cache" / folder}[
        where
    ]
    expected = write_set(path, pack=pack)
    loaded = module.load_data(None if where == "cache" else str(path if where == "path" else path.parent))
    for (x, y), (x_expected, y_expected) in zip(loaded, expected, strict=True):
        assert x.dtype == y.dtype == np.uint8
        np.testing.assert_array_equal(x, x_expected)
        np.testing.assert_array_equal(y, y_expected)
        assert x.flags.writeable


def test_an_unfit_path_says_where_it_looked_and_what_to_do(tmp_path):
    write_set(tmp_path)
    (tmp_path / f"{STEMS[3]}.gz").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"(?s)mnist: looked in .*train-images-idx3-ubyte.*Pass path="
    ) as caught:
        mnist.load_data(tmp_path)
    assert str(tmp_path / "mnist") in str(caught.value)
    assert not (tmp_path / "cache").exists()


ONES = np.ones((2, 3), np.uint8)


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"starts with the bytes \(none\), expected 00 00 08 02"),
        (b"<html>not found</html>", r"starts with the bytes 3c 68 74 6d"),
        (idx(ONES, magic=b"\0\0\x0d\x02"), r"starts with the bytes 00 00 0d 02"),
        (idx(ONES.reshape(2, 3, 1)), r"starts with the bytes 00 00 08 03"),
        (idx(ONES)[:9], r"ends within its header, after 9 bytes"),
        (idx(ONES)[:-1], r"shape \(2, 3\), which is 6 bytes, but only 5 follow"),
        (idx(ONES) + b"\0", r"but more follow"),
        (idx(ONES, claim=(16000, 16000)), r"256000000 bytes, but only 6 follow"),
        (idx(ONES, claim=(2**32 - 1, 2**32 - 1)), r"claims the shape .*expected between 1 and"),
        (idx(ONES[:0]), r"claims the shape \(0, 3\)"),
    ],
)
def test_a_damaged_file_is_a_value_error(tmp_path, content, message, pack):
    file = tmp_path / "file"
    file.write_bytes(gzip.compress(content) if pack else content)
    with pytest.raises(ValueError, match=message):
        read_idx(file, 2)


def test_damaged_gzip_data_is_a_value_error(tmp_path):
    packed = gzip.compress(idx(np.arange(4000, dtype=np.uint8).reshape(40, 100)))
    file = tmp_path / "file"
    for cut in range(2, len(packed), 7):
        file.write_bytes(packed[:cut])
        with pytest.raises(ValueError, match="damaged or cut short"):
            read_idx(file, 2)
    for place in range(10, len(packed), 5):
        file.write_bytes(packed[:place] + bytes([packed[place] ^ 0x55]) + packed[place + 1 :])
        with pytest.raises(ValueError, match=r"get the file anew|starts with|claims"):
            read_idx(file, 2)


@pytest.mark.parametrize(
    ("stem", "array", "message"),
    [
        (STEMS[0], np.ones((12, 28, 27), np.uint8), "pictures are 28×27, expected 28×28"),
        (STEMS[1], np.ones(11, np.uint8), "holds 12 pictures, but .* holds 11 labels"),
        (STEMS[3], np.full(5, 10, np.uint8), "there is a label 10, expected 0 to 9"),
    ],
)
def test_files_which_do_not_belong_together(tmp_path, stem, array, message):
    write_set(tmp_path)
    (tmp_path / f"{stem}.gz").write_bytes(gzip.compress(idx(array)))
    with pytest.raises(ValueError, match=message):
        mnist.load_data(tmp_path)


@pytest.mark.parametrize(("module", "folder"), [(mnist, "mnist"), (fashion_mnist, "fashion-mnist")])
def test_the_real_files(shared, module, folder):
    if not (shared / "data" / folder).is_dir():
        pytest.skip(f"no folder data/{folder} in {shared}")
    (x_train, y_train), (x_test, y_test) = module.load_data(shared / "data")
    assert x_train.shape == (60000, 28, 28)
    assert x_test.shape == (10000, 28, 28)
    assert np.bincount(y_test).min() > 800
    assert len(y_train) == 60000
