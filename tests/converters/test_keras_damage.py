"""Damaged and hostile files of Keras: a clear error, never a crash, a hang, code that runs, or memory that fills up."""

from __future__ import annotations

import copy
import io
import json
import random
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenet.converters import load_keras
from edgenet.converters.keras import hdf5
from edgenet.converters.keras.build import Builder
from edgenet.converters.keras.network import read_network

h5py = pytest.importorskip("h5py", reason="the extra `keras` is not installed")

FILES = Path(__file__).resolve().parent.parent / "keras_files"
WILD: list[Any] = [
    None, True, -1, 0, 10**12, 2**70, 1.5, float("nan"), "x", "", [], {}, [1, 2], [[1]], {"class_name": "Dense"},
    "Lambda", ["a", 0, 0], ["a", 0, 99999], -5, [-1, 3], {"class_name": "__lambda__", "config": {"code": "x"}},
]  # fmt: skip


def members(name: str) -> dict[str, bytes]:
    with zipfile.ZipFile(FILES / name) as archive:
        return {n: archive.read(n) for n in archive.namelist()}


def archived(path: Path, held: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return path


def scratched(data: bytes, rng: random.Random) -> bytes:
    """The data cut short, or with some bytes or bits changed, more often near the start."""
    if rng.random() < 0.2:
        return data[: rng.randrange(len(data))]
    new = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        i = rng.randrange(min(len(new), rng.choice([200, 2000, len(new)])))
        new[i : i + 1] = rng.choice(
            [bytes([rng.randrange(256)]), bytes([new[i] ^ 1 << rng.randrange(8)]), b"\0", b"\xff"]
        )
    return bytes(new)


def refused_or_read(path: Path) -> bool:
    """Whether the file was refused; any other error than a ValueError passes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            load_keras(path)
        except ValueError:
            return True
    return False


@pytest.mark.slow
@pytest.mark.parametrize("name", ["words.keras", "words.h5", "merged.h5", "tf_keras.h5"])
def test_scratched_files(tmp_path, name):
    data, rng = (FILES / name).read_bytes(), random.Random(name)
    path, refused = tmp_path / name, 0
    for _ in range(60):
        path.write_bytes(scratched(data, rng))
        refused += refused_or_read(path)
    assert refused > 20


@pytest.mark.slow
def test_scratched_weights_in_a_sound_archive(tmp_path):
    held, rng = members("words.keras"), random.Random(7)
    for _ in range(30):
        changed = {**held, "model.weights.h5": scratched(held["model.weights.h5"], rng)}
        refused_or_read(archived(tmp_path / "m.keras", changed))


def places(thing: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Ways to every part of a config."""
    pairs = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    return [path, *(place for key, value in pairs for place in places(value, (*path, key)))]


def twisted(config: Any, rng: random.Random) -> Any:
    """A config with some parts removed or replaced."""
    config = copy.deepcopy(config)
    for _ in range(rng.choice([1, 1, 1, 3])):
        *way, last = rng.choice(places(config)[1:])
        inside = config
        for key in way:
            inside = inside[key]
        if rng.random() < 0.3:
            del inside[last]
        else:
            inside[last] = copy.deepcopy(rng.choice(WILD))
    return config


@pytest.mark.parametrize("name", ["words.keras", "merged.keras", "channels_first.keras"])
def test_twisted_configs(name):
    config, rng, refused = json.loads(members(name)["config.json"]), random.Random(name), 0
    for _ in range(150):
        try:
            with hdf5.reading(name):
                problems: list[str] = []
                network = read_network(twisted(config, rng), problems)
                Builder(3, 10_000, {}, {}).model(network, problems)
        except ValueError:
            refused += 1
    assert refused > 30


def with_config(tmp_path: Path, change: Any) -> Path:
    held = members("words.keras")
    config = json.loads(held["config.json"])
    change(config["config"]["layers"])
    return archived(tmp_path / "m.keras", {**held, "config.json": json.dumps(config).encode()})


def test_sizes_that_lie_cost_no_memory(tmp_path):
    def change(layers):
        layers[1]["config"]["output_dim"] = 10**12

    with pytest.raises(ValueError, match="the file does not hold as many numbers"):
        load_keras(with_config(tmp_path, change))


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", members("words.keras")["config.json"])
        with archive.open("model.weights.h5", "w") as member:
            for _ in range(64):
                member.write(bytes(1 << 20))
    with pytest.raises(ValueError, match="would unpack from"):
        load_keras(path)


def test_names_that_leave_the_archive_are_not_followed(tmp_path):
    held = members("words.keras")
    path = archived(tmp_path / "m.keras", held)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../escaped.txt", b"x")
        archive.writestr("/tmp/../escaped.txt", b"x")
    load_keras(path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["m.keras"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("external", "not lie in the file"),
        ("virtual", "not lie in the file"),
        ("link", "does not hold as many numbers"),
    ],
)
def test_links_and_arrays_outside_of_the_file_are_refused(tmp_path, kind, said):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.ones(2, np.float32).tobytes())
    path = tmp_path / f"{kind}.h5"
    path.write_bytes((FILES / "words.h5").read_bytes())
    with h5py.File(path, "a") as file:
        group = file["model_weights/class/words/class"]
        del group["bias"]
        if kind == "external":
            group.create_dataset("bias", (2,), "f4", external=[(str(secret), 0, 8)])
        elif kind == "link":
            group["bias"] = h5py.ExternalLink(str(FILES / "words.h5"), "/model_weights/class/words/class/bias")
        else:
            layout = h5py.VirtualLayout((2,), "f4")
            layout[:] = h5py.VirtualSource(str(FILES / "words.h5"), "x", (2,))
            group.create_virtual_dataset("bias", layout)
    with pytest.raises(ValueError, match=said):
        load_keras(path)


def test_a_link_to_elsewhere_is_not_followed(tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes((FILES / "words.h5").read_bytes())
    with h5py.File(path, "a") as file:
        group = file["model_weights/class/words/class"]
        file["model_weights/spare"] = group["bias"]  # so that the file holds enough numbers
        del group["bias"]
        group["bias"] = h5py.SoftLink("/model_weights/spare")
    with pytest.raises(ValueError, match="a link to elsewhere"):
        load_keras(path)


def test_arrays_that_the_file_does_not_store_are_refused(tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes((FILES / "words.h5").read_bytes())
    with h5py.File(path, "a") as file:
        group = file["model_weights/class/words/class"]
        del group["bias"]
        group.create_dataset("bias", (2,), "f4")
    with pytest.raises(ValueError, match="larger than what the file stores"):
        load_keras(path)


def test_a_file_that_ends_the_hdf5_library_does_not_end_the_process(tmp_path):
    data = bytearray((FILES / "merged.h5").read_bytes())
    at = data.index(b"keras_version\0\0\0\x19\x01") + len(b"keras_version\0\0\0") + 1
    data[at] = 0xD2  # a text of a kind that there is not
    path = tmp_path / "m.h5"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"breaks off|damaged|no text"):
        load_keras(path)


def test_a_file_that_the_hdf5_library_never_ends_with(tmp_path, monkeypatch):
    data = bytearray((FILES / "words.h5").read_bytes())
    heap = data.index(b"GCOL")
    data[heap + 16 : heap + 32] = bytes(16)  # its first object takes no room at all
    path = tmp_path / "m.h5"
    path.write_bytes(data)
    monkeypatch.setattr(hdf5, "PATIENCE_S", 5.0)
    with pytest.raises(ValueError, match=r"does not come to an end|damaged|breaks off"):
        load_keras(path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "neither a zip archive"),
        (b"hello world", "neither a zip archive"),
        (b"\x89HDF\r\n\x1a\n", "damaged"),
        (b"PK\x03\x04" + bytes(40), "damaged"),
        (zlib.compress(b"x"), "neither a zip archive"),
    ],
)
def test_other_files(tmp_path, data, said):
    path = tmp_path / "m.h5"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=said):
        load_keras(path)
    with pytest.raises(FileNotFoundError):
        load_keras(tmp_path / "none.h5")


def test_weights_alone_are_no_model(tmp_path):
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((2, 2), np.float32)
    path = tmp_path / "m.weights.h5"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match="weights alone"):
        load_keras(path)


def test_a_circle_is_found(tmp_path):
    held = members("merged.keras")
    config = json.loads(held["config.json"])
    by_name = {entry["name"]: entry for entry in config["config"]["layers"]}
    node = by_name["head"]["inbound_nodes"][0]["args"][0]
    node["config"]["keras_history"] = ["head", 0, 0]
    with pytest.raises(ValueError, match="in a circle"):
        load_keras(archived(tmp_path / "m.keras", {**held, "config.json": json.dumps(config).encode()}))


def test_a_config_that_is_nested_without_end(tmp_path):
    held = members("words.keras")
    deep = b'{"class_name":"Sequential","config":{"name":"s","layers":[' * 20_000
    with pytest.raises(ValueError, match=r"nested too deeply|no JSON"):
        load_keras(archived(tmp_path / "m.keras", {**held, "config.json": deep}))
