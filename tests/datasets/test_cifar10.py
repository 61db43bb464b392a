import io
import random
import struct
import tarfile

import numpy as np
import pytest

from edgenet.datasets import cifar10
from edgenet.datasets._pickled import as_uint8_matrix, read_pickle


def make_batches(n=3, seed=0):
    rng = np.random.default_rng(seed)
    return [(rng.integers(0, 256, (n, 3072), np.uint8), rng.integers(0, 10, n, np.uint8)) for _ in range(6)]


def binary(pixels, labels):
    return np.concatenate([labels[:, None], pixels], axis=1).tobytes()


def text(value):
    return b"U" + bytes([len(value)]) + value


def pickled(pixels, labels):
    """A batch of the Python version, instruction by instruction as Python 2 wrote it."""
    raw = pixels.tobytes()
    integer = b"J" + struct.pack("<i", -1)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85" + text(b"b") + b"\x87Rq\x09(K\x01"
        b"M" + struct.pack("<H", pixels.shape[0]) + b"M" + struct.pack("<H", pixels.shape[1]) + b"\x86"
        b"cnumpy\ndtype\nq\x0a"
        + text(b"u1")
        + b"K\x00K\x01\x87Rq\x0b(K\x03"
        + text(b"|")
        + b"NNN"
        + integer * 2
        + b"K\x00tb"
        b"\x89T" + struct.pack("<I", len(raw)) + raw + b"tb"
    )
    listed = b"]q\x05(" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    names = b"]q\x0c(" + b"".join(text(b"picture_%d.png" % i) for i in range(len(labels))) + b"e"
    return (
        b"\x80\x02}q\x01(" + text(b"batch_label") + b"q\x02" + text(b"training batch 1 of 5") + b"q\x03"
        + text(b"labels") + b"q\x04" + listed + text(b"data") + b"q\x06" + array + text(b"filenames") + names + b"u."
    )  # fmt: skip


WRITERS = {"bin": (binary, ".bin"), "py": (pickled, "")}
ARCHIVES = {"bin": "cifar-10-binary.tar.gz", "py": "cifar-10-python.tar.gz"}


def write_set(folder, batches, version="bin", form="nested"):
    """Write the six files into `folder` ("flat"), into their own folder in it ("nested") or into an archive."""
    encode, suffix = WRITERS[version]
    files = {name + suffix: encode(*batch) for name, batch in zip(cifar10._BATCHES, batches, strict=True)}
    folder.mkdir(parents=True, exist_ok=True)
    inner = f"cifar-10-batches-{version}"
    if form == "archive":
        with tarfile.open(folder / ARCHIVES[version], "w:gz") as tar:
            for name, content in {"readme.html": b"<html>", **files}.items():
                member = tarfile.TarInfo(f"{inner}/{name}")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
        return
    target = folder / inner if form == "nested" else folder
    target.mkdir(exist_ok=True)
    for name, content in files.items():
        (target / name).write_bytes(content)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGENET_DATA", str(tmp_path / "cache"))


@pytest.mark.parametrize("form", ["flat", "nested", "archive"])
@pytest.mark.parametrize("version", ["bin", "py"])
def test_both_versions_are_read_as_keras_returns_them(tmp_path, version, form):
    batches = make_batches()
    write_set(tmp_path, batches, version, form)
    (x_train, y_train), (x_test, y_test) = cifar10.load_data(tmp_path)
    pixels = np.concatenate([x for x, _ in batches])
    red, green, blue = (pixels[:, 1024 * c : 1024 * (c + 1)].reshape(-1, 32, 32) for c in range(3))
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]), np.stack([red, green, blue], axis=-1))
    np.testing.assert_array_equal(np.concatenate([y_train, y_test])[:, 0], np.concatenate([y for _, y in batches]))
    assert x_train.shape == (15, 32, 32, 3)
    assert y_test.shape == (3, 1)
    for array in (x_train, y_train, x_test, y_test):
        assert array.dtype == np.uint8
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_the_cache_is_looked_at_without_a_path(tmp_path):
    write_set(tmp_path / "cache" / "cifar10", make_batches(), form="archive")
    assert cifar10.load_data()[0][0].shape == (15, 32, 32, 3)


def test_an_unfit_path_says_what_was_expected(tmp_path):
    write_set(tmp_path, make_batches())
    (tmp_path / "cifar-10-batches-bin" / "data_batch_4.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"cifar10: looked in .*cifar-10-binary\.tar\.gz or the folder"):
        cifar10.load_data(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"data_batch_2\.bin has 0 bytes, expected a multiple of 3073"),
        (bytes(3073 * 2 - 1), r"has 6145 bytes"),
        (b"\x0a" + bytes(3072), r"there is a label 10, expected 0 to 9"),
    ],
)
def test_a_damaged_binary_batch_is_a_value_error(tmp_path, content, message):
    write_set(tmp_path, make_batches())
    (tmp_path / "cifar-10-batches-bin" / "data_batch_2.bin").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        cifar10.load_data(tmp_path)


def test_a_file_too_large_to_be_a_batch_is_not_read(tmp_path):
    write_set(tmp_path, make_batches())
    with (tmp_path / "cifar-10-batches-bin" / "test_batch.bin").open("r+b") as file:
        file.truncate(1 << 33)  # a hole: takes no room on disk
    with pytest.raises(ValueError, match=r"test_batch\.bin has 8589934592 bytes, expected at most"):
        cifar10.load_data(tmp_path)


def test_a_member_which_lies_about_its_size_is_not_read(tmp_path):
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:gz") as tar:
        member = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
        member.size = 1 << 32
        tar.fileobj.write(member.tobuf())
        member.size = 0
    with pytest.raises(ValueError, match=r"data_batch_1\.bin has 4294967296 bytes"):
        cifar10.load_data(tmp_path)


def test_a_cut_archive_is_a_value_error(tmp_path):
    write_set(tmp_path, make_batches(), form="archive")
    archive = tmp_path / "cifar-10-binary.tar.gz"
    whole = archive.read_bytes()
    for cut in [*range(0, len(whole) - 600, 4001), 10, 1000]:
        archive.write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"damaged or cut short|lacks"):
            cifar10.load_data(tmp_path)
    archive.write_bytes(b"no archive at all" * 100)
    with pytest.raises(ValueError, match="damaged or cut short"):
        cifar10.load_data(tmp_path)


def test_a_pickle_that_calls_something_is_refused(tmp_path):
    write_set(tmp_path, make_batches(), "py")
    (tmp_path / "cifar-10-batches-py" / "data_batch_1").write_bytes(
        b"\x80\x02cos\nsystem\n" + text(b"false") + b"\x85R."
    )
    with pytest.raises(ValueError, match=r"data_batch_1: the pickle names 'os\.system'.*take cifar-10-binary"):
        cifar10.load_data(tmp_path)


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b".",
        b"}",
        b"K\x01.",
        b"\x80\x02N" + b"\x85" * 200_000 + b"N}q\x01.",  # nested deeply, never hashed nor shown
        b"\x80\x02}(N" + b"\x85" * 200_000 + b"Nu.",  # the same as a key
        b"N" + b"\x85" * 200_000 + b")R.",  # the same as a function
        b"Nr\xff\xff\xff\x7f.",  # a memo index of two thousand million
        b"T\xff\xff\xff\x7fabc.",  # a string which claims 2 GiB
        b"cnumpy\nndarray\n(J\xff\xff\xff\x7ftR.",  # an array of 2 GiB
        b"(cos\nsystem\no.",
        b"}(K\x01u.",
        b"e.",
        b"h\x05.",
    ],
)
def test_a_strange_pickle_is_a_value_error(program):
    with pytest.raises(ValueError, match=r"^batch: .* take cifar-10-binary"):
        cifar10._parse_pickle(program, "batch")


def test_a_mutated_pickle_is_read_or_is_a_value_error():
    pixels, labels = make_batches(n=1)[0]
    whole = pickled(pixels[:, :12], labels)
    for seed in range(5000):
        rng = random.Random(seed)
        program = bytearray(whole[: rng.randrange(len(whole))] if rng.random() < 0.2 else whole)
        for _ in range(rng.randrange(1, 4)):
            if program:
                program[rng.randrange(len(program))] = rng.randrange(256)
        try:
            found, _ = cifar10._parse_pickle(bytes(program), f"seed {seed}")
        except ValueError:
            continue
        assert found.dtype == np.uint8


def test_pickled_arrays_must_be_byte_matrices():
    pixels, labels = make_batches()[0]
    whole = pickled(pixels, labels)
    np.testing.assert_array_equal(as_uint8_matrix(read_pickle(whole)["data"]), pixels)
    for old, new, message in [
        (text(b"u1"), text(b"f4"), "expected a NumPy array of uint8"),
        (b"tb\x89T", b"tb\x88T", "expected a NumPy array of uint8 in C order"),
        (
            b"M" + struct.pack("<H", 3),
            b"M" + struct.pack("<H", 4),
            r"claims the shape \(4, 3072\), but holds 9216 bytes",
        ),
    ]:
        assert whole.count(old) == 1
        with pytest.raises(ValueError, match=message):
            as_uint8_matrix(read_pickle(whole.replace(old, new))["data"])
