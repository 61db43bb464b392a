"""The arena plan: no two buffers that live at once may overlap."""

from hypothesis import given
from hypothesis import strategies as st

from edgenet.compile.memory import ALIGN_BYTES, Buffer, plan

BUFFERS = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 20), st.integers(0, 6)).map(
        lambda t: Buffer(t[0], t[1], t[1] + t[2])
    ),
    max_size=30,
)


def overlap_bytes(a, b):
    return a.offset_bytes < b.offset_bytes + b.size_bytes and b.offset_bytes < a.offset_bytes + a.size_bytes


@given(BUFFERS)
def test_buffers_that_live_together_lie_apart(buffers):
    size = plan(buffers)
    for i, a in enumerate(buffers):
        assert a.offset_bytes % ALIGN_BYTES == 0
        assert a.offset_bytes + a.size_bytes <= size
        for b in buffers[:i]:
            if a.first <= b.last and b.first <= a.last and a.size_bytes and b.size_bytes:
                assert not overlap_bytes(a, b), (a, b)


@given(BUFFERS)
def test_the_arena_is_no_larger_than_all_buffers_together(buffers):
    together = sum(-(-b.size_bytes // ALIGN_BYTES) * ALIGN_BYTES for b in buffers)
    assert plan(buffers) <= together


def test_a_chain_needs_two_buffers_only():
    assert plan([Buffer(1024, i, i + 1) for i in range(50)]) == 2048


def test_a_training_step_is_planned_without_a_gap():
    """What the forward pass leaves is read in the opposite order, each with a gradient beside it."""
    sizes = [256, 320, 192, 192]
    kept = [Buffer(size, i, 8 - i) for i, size in enumerate(sizes)]
    gradients = [Buffer(size, 7 - i, 8 - i) for i, size in enumerate(sizes)]
    alive = [sum(b.size_bytes for b in kept + gradients if b.first <= step <= b.last) for step in range(9)]
    assert plan(kept + gradients) == max(alive) == 1344  # the largest first would need 1472
