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


@given(BUFFERS)
def test_the_arena_holds_what_lives_at_the_fullest_step(buffers):
    aligned = [(-(-b.size_bytes // ALIGN_BYTES) * ALIGN_BYTES, b.first, b.last) for b in buffers]
    assert plan(buffers) >= max(
        (sum(s for s, first, last in aligned if first <= i <= last) for i in range(28)), default=0
    )


def test_another_order_than_by_size_is_tried():
    """By size alone it takes 512 bytes; 448 live at once."""
    assert plan([Buffer(384, 4, 7), Buffer(256, 0, 2), Buffer(64, 3, 7), Buffer(192, 2, 3)]) == 448
