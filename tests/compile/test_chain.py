"""Chains give the same bits as their steps one after the other, whatever order the groups come in."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from edgenet import ops
from edgenet.compile import chain, compile_graph, slots
from edgenet.compile.chain import Chain, chained, steps_of
from edgenet.compile.hand_over import hand_over
from edgenet.compile.memory import Buffer
from edgenet.compile.places import Step, size_bytes
from edgenet.graph import Graph, Scratch, gradients
from edgenet.graph.op import Call
from edgenet.graph.variable import Variable
from edgenet.kernels.compiler import In, InOut, Out, i64
from edgenet.kernels.parallel import num_threads
from edgenet.ops import pieces as sizes_of_tasks
from edgenet.ops.conv import conv2d
from edgenet.ops.norm_train import batch_norm_train
from edgenet.ops.pieces import even, partitions, pieces, units
from edgenet.ops.pool import avg_pool, max_pool
from task_order import backwards

SEEDS = range(24)


class Net:
    """A seeded network and the gradients of all its weights, as a graph."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        images = int(self.rng.choice([8, 9, 12, 16, 20, 32]))
        size, channels = int(self.rng.integers(5, 12)), int(self.rng.choice([1, 3, 8, 16]))
        self.graph = Graph("net")
        self.graph.training = True
        self.x = self.graph.input((images, size, size + 1, channels))
        self.weights = []
        y = self.x
        for _ in range(int(self.rng.integers(3, 7))):
            y = getattr(self, str(self.rng.choice(["conv", "depthwise", "normed", "normed", "pool", "residual"])))(y)
        loss = ops.mean(y * y)
        self.graph.outputs = [loss, *gradients(loss, [*self.weights])]
        self.array = self.draw(*self.x.spec.sizes)

    def draw(self, *shape):
        return self.rng.standard_normal(shape).astype(np.float32)

    def weight(self, *shape):
        self.weights.append(self.graph.variable(Variable(self.draw(*shape), f"w{len(self.weights)}")))
        return self.weights[-1]

    def conv(self, y):
        k, ci, co = int(self.rng.choice([1, 3])), y.spec.sizes[3], int(self.rng.choice([4, 8, 16, 24]))
        stride, pad = int(self.rng.integers(1, 3)), ((k // 2, k // 2),) * 2
        return ops.relu(conv2d(y, self.weight(k, k, ci, co), strides=(stride, stride), padding=pad))

    def depthwise(self, y):
        c, stride = y.spec.sizes[3], int(self.rng.integers(1, 3))
        return conv2d(y, self.weight(3, 3, 1, c), strides=(stride,) * 2, padding=((1, 1), (1, 1)), groups=c)

    def normed(self, y):
        y = self.conv(y) if self.rng.random() < 0.5 else self.depthwise(y)
        c = y.spec.sizes[3]
        y, _, _ = batch_norm_train(y, self.weight(c), self.weight(c))
        return ops.relu(y)

    def pool(self, y):
        if min(y.spec.sizes[1:3]) < 2:
            return y
        return (max_pool if self.rng.random() < 0.5 else avg_pool)(y, (2, 2))

    def residual(self, y):
        c = y.spec.sizes[3]
        z, _, _ = batch_norm_train(conv2d(y, self.weight(1, 1, c, c)), self.weight(c), self.weight(c))
        return ops.relu(z + y)


def program_of(seed, l2, monkeypatch):
    """The program of a network on a machine with an L2 of so many bytes, and an input."""
    net = Net(seed)
    monkeypatch.setattr(chain, "l2_bytes", lambda: l2)
    return compile_graph(net.graph, training=True), net.array


def chains(program):
    return [item for item in program._items if isinstance(item, Chain)]


def poison(program):
    """Nothing that a run has not written may matter."""
    for memory in program.addresses.keep:
        if isinstance(memory, np.ndarray) and memory.dtype == np.uint8:
            memory[:] = 0xFF  # NaN


@pytest.mark.parametrize("seed", SEEDS)
def test_chains_give_the_same_bits(seed, monkeypatch):
    plain, array = program_of(seed, 1 << 60, monkeypatch)
    assert not chains(plain)
    want = plain.run(array)
    assert all(np.isfinite(w).all() for w in want)
    program, _ = program_of(seed, 1, monkeypatch)
    poison(program)
    for threads in (1, 2, 4):
        with num_threads(threads):
            for got, expected in zip(program.run(array), want, strict=True):
                assert_array_equal(got, expected)
    poison(program)
    for got, expected in zip(backwards(program, [array]), want, strict=True):
        assert_array_equal(got, expected)


def test_the_networks_above_have_chains_with_local_operands(monkeypatch):
    programs = [program_of(seed, 1, monkeypatch)[0] for seed in SEEDS]
    assert sum(map(bool, map(chains, programs))) >= len(SEEDS) * 3 // 4
    assert sum(bool(p._within) for p in programs) >= len(SEEDS) // 2
    ops_of = {s.node.op for p in programs for c in chains(p) for s in c.steps}
    assert ops_of >= {"conv2d", "conv2d_dw", "conv2d_dx", "batch_norm_train", "batch_norm_train_dx"}
    assert any(s.call.kernel.name == "conv.zero_border" for p in programs for c in chains(p) for s in c.steps)


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_the_profile_has_every_step_of_a_chain(seed, monkeypatch):
    program, array = program_of(seed, 1, monkeypatch)
    want = program.run(array)
    rows = program.profile(2, [array])
    assert [s for s, _ in rows] == program.steps
    assert all(seconds > 0 for _, seconds in rows)
    for got, expected in zip(program.run(array), want, strict=True):
        assert_array_equal(got, expected)


# which steps come together -------------------------------------------------------------------------------------------

KERNEL = SimpleNamespace(args=(In, In, Out, InOut, i64, i64))


class Apart:
    """`Places` of operands that all lie apart."""

    @staticmethod
    def root(operand):
        return operand, 0


def call_of(reads, writes, cut=8):
    """A step that reads up to two operands and writes up to two."""
    return Step(None, Call(KERNEL, (*[*reads, None, None][:2], *[*writes, None, None][:2]), 8, 0.0, cut))


@pytest.mark.parametrize(
    ("case", "lies_over"),
    [("later", True), ("at once", False), ("read again", False), ("made whole", False), ("smaller images", False)],
)
def test_a_result_lies_over_what_its_chain_has_read_before(case, lies_over):
    graph = Graph("values")
    x = graph.input((8, 4))
    old, local, new = ops.relu(x), ops.relu(x), ops.relu(x[:, :2] if case == "smaller images" else x)
    makes = call_of([], [old], cut=1 if case == "made whole" else 8)
    steps = [call_of([old], [new])] if case == "at once" else [call_of([old], [local]), call_of([local], [new])]
    items = [makes, Chain(tuple(steps), 8), call_of([new, old] if case == "read again" else [new], [])]
    buffers = {}
    for number, item in enumerate(items):
        for step in steps_of(item):
            for value in (v for v in step.call.args if v is not None):
                buffers.setdefault(id(value), Buffer(128, number, number)).last = number
    before = {key: (b.first, b.last) for key, b in buffers.items()}
    hand_over(items, buffers, Apart)
    assert (buffers[id(new)] is buffers[id(old)]) == lies_over
    if lies_over:
        assert (buffers[id(new)].first, buffers[id(new)].last) == (0, 2)
    else:
        assert {key: (b.first, b.last) for key, b in buffers.items()} == before


def test_results_of_the_networks_above_lie_over_others(monkeypatch):
    programs = [program_of(seed, 1, monkeypatch)[0] for seed in SEEDS]
    shared = [len(p.addresses.buffers) - len({id(b) for b in p.addresses.buffers.values()}) for p in programs]
    assert sum(map(bool, shared)) >= len(SEEDS) // 3


@given(st.data())
def test_no_step_overtakes_what_it_depends_on(data):
    memory = [Scratch(1 << 20) for _ in range(6)]
    some = st.sampled_from([*memory, None])
    count = data.draw(st.integers(1, 30))
    steps = [
        Step(None, Call(KERNEL, (data.draw(some), data.draw(some), data.draw(some), None), 8, 0.0, cut))
        for cut in (data.draw(st.sampled_from([1, 8, 16, 24])) for _ in range(count))
    ]
    items = chained(steps, Apart)
    got = [s for item in items for s in steps_of(item)]
    assert sorted(map(id, got)) == sorted(map(id, steps))
    place = {id(s): i for i, s in enumerate(got)}
    for i, a in enumerate(steps):
        for b in steps[i + 1 :]:
            written = [{id(s.call.args[2])} - {id(None)} for s in (a, b)]
            read = [{id(v) for v in s.call.args[:2]} - {id(None)} for s in (a, b)]
            if written[0] & (written[1] | read[1]) or written[1] & read[0]:
                assert place[id(a)] < place[id(b)]
    for item in items:
        if isinstance(item, Chain):
            assert all(s.call.pieces % item.groups == 0 for s in item.steps)


def test_groups_of_a_large_batch_stay_in_the_cache(monkeypatch):
    l2 = 1 << 20
    for module in (chain, sizes_of_tasks):
        monkeypatch.setattr(module, "l2_bytes", lambda: l2)
    net = Net(0)
    net.graph, net.weights = Graph("large"), []
    net.graph.training = True
    y = net.graph.input((128, 32, 32, 8))
    for kernel, channels, groups in ((1, 16, 1), (3, 16, 16), (1, 32, 1), (3, 32, 32), (1, 8, 1)):
        w = net.weight(kernel, kernel, y.spec.sizes[3] // groups, channels)
        y = conv2d(y, w, padding=((kernel // 2,) * 2,) * 2, groups=groups)
        y = ops.relu(batch_norm_train(y, net.weight(channels), net.weight(channels))[0])
    loss = ops.mean(y * y)
    net.graph.outputs = [loss, *gradients(loss, net.weights)]
    program = compile_graph(net.graph, training=True)
    assert len(chains(program)) >= 8
    for item in chains(program):
        touched = {id(r): r for s in item.steps for r in chain.roots(s, program._places)}
        assert sum(map(size_bytes, touched.values())) <= 1.2 * l2 * item.groups


def test_small_steps_stay_apart(monkeypatch):
    small, large = Scratch(1024), Scratch(1 << 24)
    steps = [[Step(None, Call(KERNEL, (None, None, m, None), 8, 0.0, 8)) for _ in range(2)] for m in (small, large)]
    assert [type(i) for i in chained(steps[0], Apart)] == [Step, Step]
    assert [type(i) for i in chained(steps[1], Apart)] == [Chain]


@pytest.mark.parametrize(("cut", "last"), [(16, [0, 2, 1, 3]), (9, [0, 2])])
def test_steps_aside_join_with_the_step_that_needs_them(cut, last):
    a, b, c, d = (Scratch(1 << 22) for _ in range(4))
    steps = [call_of([], [a]), call_of([b], [c], cut), call_of([a], [d]), call_of([c, d], [])]
    link = next(item for item in chained(steps, Apart) if isinstance(item, Chain))
    assert [steps.index(s) for s in link.steps] == last


def test_what_others_read_is_not_local():
    a, b, c = Scratch(64), Scratch(64), Scratch(65)
    steps = [Step(None, Call(KERNEL, args, 8, 0.0, 8)) for args in ((None, None, a, None), (a, None, b, None))]
    last = Step(None, Call(KERNEL, (b, None, c, None), 1))
    link = Chain(tuple(steps), 8)
    assert slots.local([link], Apart, set()) == {id(a), id(b)}
    assert slots.local([link, last], Apart, set()) == {id(a)}
    assert slots.local([link], Apart, {id(a)}) == {id(b)}
    assert slots.local([Chain((*steps, last._replace(call=last.call._replace(pieces=8))), 8)], Apart, set()) == {
        id(a), id(b)
    }  # 65 numbers are no eight groups  # fmt: skip


# pieces --------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(1, 200), st.integers(1, 3000))
def test_pieces_end_where_units_of_images_end(images, each, wanted):
    task, rows = even(images, each, wanted), images * each
    cut = pieces(images, rows, task)
    assert 1 <= task <= wanted * 5 / 4
    if cut > 1:
        assert cut % units(images) == 0
        tasks = rows // task
        assert tasks * task == rows
        assert tasks % cut == 0
        for piece in range(cut):
            assert tasks * piece // cut * task == piece * rows // cut
            assert images % cut == 0


@given(st.integers(1, 300), st.integers(1, 80))
def test_partitions_have_whole_units(images, wanted):
    count = partitions(images, wanted)
    assert count >= 1
    if units(images) > 1:
        assert count % units(images) == 0
        assert images % count == 0
    else:
        assert count == min(images, wanted)
