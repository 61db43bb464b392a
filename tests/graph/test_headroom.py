"""How much memory there is, and the errors for what does not fit. Nothing large is allocated here."""

import numpy as np
import pytest

from edgenet import Input, Sequential, layers, optimizers
from edgenet.graph import Variable, headroom
from edgenet.graph.variable import flatten
from edgenet.kernels import machine, memory

GB = 10**9


@pytest.fixture
def left(monkeypatch):
    """What a system with these files leaves."""

    def made(root, files):
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.setattr(machine, "ROOT", root)
        return headroom.free_bytes()

    return made


MEMINFO = {"proc/meminfo": "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:    8000000 kB\n"}


def test_what_the_system_leaves(tmp_path, left):
    assert left(tmp_path, MEMINFO) == 8_000_000 * 1024


@pytest.mark.parametrize("inner", ["job", "."])
def test_what_a_group_of_version_2_leaves(tmp_path, left, inner):
    group = f"sys/fs/cgroup/{inner}"
    files = {
        **MEMINFO,
        "proc/self/cgroup": "0::/job/step\n",
        "sys/fs/cgroup/job/step/memory.max": "max\n",  # no limit of its own, but that of the group around it
        "sys/fs/cgroup/job/step/memory.current": "100\n",
        f"{group}/memory.max": "2000000\n",
        f"{group}/memory.current": "700000\n",
        f"{group}/memory.stat": "anon 5\ninactive_file 200000\nslab 3\n",
    }
    assert left(tmp_path, files) == 1_500_000


def test_what_a_group_of_version_1_leaves(tmp_path, left):
    files = {
        **MEMINFO,
        "proc/self/cgroup": "7:cpu,cpuacct:/a\n4:memory:/a:b\n0::/\n",
        "sys/fs/cgroup/memory/a:b/memory.limit_in_bytes": "3000000",
        "sys/fs/cgroup/memory/a:b/memory.usage_in_bytes": "3500000",  # over its limit for a moment
        "sys/fs/cgroup/memory/a:b/memory.stat": "inactive_file 7\ntotal_inactive_file 100\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "1",
    }
    assert left(tmp_path, files) == 0


def test_a_machine_without_proc_tells_all_its_memory(tmp_path, left, monkeypatch):
    sizes = {"SC_PHYS_PAGES": 1000, "SC_PAGE_SIZE": 4096}
    monkeypatch.setattr(memory.os, "sysconf", sizes.__getitem__, raising=False)
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert left(tmp_path, {}) == 4_096_000
    monkeypatch.delattr(memory.os, "sysconf")
    assert left(tmp_path, {}) is None


def test_this_machine():
    found = headroom.free_bytes()
    assert found is None or 1 << 20 < found < 1 << 50


def test_where_nothing_is_known_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(headroom, "free_bytes", lambda: None)
    headroom.require(10**18, "a block", "buy memory")


@pytest.fixture
def little(monkeypatch):
    """A machine with 8 GB left."""
    monkeypatch.setattr(headroom, "free_bytes", lambda: 8 * GB)


class Drawn:
    """An initializer which notes that it was called."""

    calls = 0

    def __call__(self, shape):
        Drawn.calls += 1
        return np.zeros(1, np.float32)


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize(
    ("layer", "shape", "size"),
    [
        (lambda start: layers.Dense(1000, kernel_initializer=start, name="fat"), (3_000_000,), "12 GB"),
        (lambda start: layers.Embedding(10**8, 100, embeddings_initializer=start, name="fat"), (5,), "40 GB"),
        (lambda start: layers.Conv2D(10**6, 5, kernel_initializer=start, name="fat"), (8, 8, 512), "51.2 GB"),
        (lambda start: layers.Conv1D(10**6, 5, kernel_initializer=start, name="fat"), (8, 512), "10.2 GB"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused_before_anything_is_drawn(layer, shape, size):
    before = Drawn.calls
    told = rf"layer fat: the weight '\w+', of shape \(.*\), takes {size}, and the machine has 8 GB.*fewer units"
    model = Sequential([Input(shape)])
    with pytest.raises(MemoryError, match=told):
        model.add(layer(Drawn()))
    assert Drawn.calls == before
    assert model.layers == []


@pytest.mark.usefixtures("little")
def test_a_layer_of_ones_own_is_guarded_too():
    class Own(layers.Layer):
        def build(self, input_shape):
            self.table = self.add_weight((50_000, 50_000), Drawn())

        def call(self, x):
            return x

    with pytest.raises(MemoryError, match=r"layer own.*: the weight 'weight', of shape \(50000, 50000\), takes 10 GB"):
        Own()(Input((4,)))


@pytest.mark.usefixtures("little")
def test_values_that_do_not_fit():
    model = Sequential([Input((40_000, 40_000, 1)), layers.Conv2D(8, 3)], name="wide")
    x = np.broadcast_to(np.zeros(1, np.float32), (1, 40_000, 40_000, 1))  # one number in memory
    with pytest.raises(MemoryError, match=r"wide: one block, .* takes \d\d.* GB, .* smaller batch_size"):
        model.predict(x)


def test_training_that_does_not_fit(monkeypatch):
    monkeypatch.setattr(headroom, "SMALL_BYTES", 0)
    monkeypatch.setattr(headroom, "free_bytes", lambda: 399)
    weights = [Variable(np.ones(60, np.float32), "a"), Variable(np.ones(40, np.float32), "b")]
    with pytest.raises(MemoryError, match=r"theta: one block, for the 100 weights .* takes 400 B, .*: train fewer"):
        flatten(weights, "theta")
    optimizers.SGD().build(weights)
    with pytest.raises(MemoryError, match=r"adam: its state, 2 numbers for each of 100 weights, takes 800 B"):
        optimizers.Adam().build(weights)
