"""What a chain makes lies over what it has read and nobody reads again, group by group.

::

    z, dy ─▶ normalize_dx ─▶ dz ─▶ conv2d_dx ─▶ dy of the layer before: of images 0 1 in the place of z of images 0 1

To write to memory that is in no cache a processor reads it first, and it takes twice as long as reading; what the group
has read a moment ago is still in the cache.  Step by step this could not be: z of the last images is needed when the
first ones are written.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgenet.graph import Value

from .chain import Chain, Item, roots, steps_of
from .memory import Buffer
from .places import Places, operands


def hand_over(items: Sequence[Item], buffers: dict[int, Buffer], places: Places) -> None:
    """Give results of chains the buffers of what is read there for the last time."""
    whole = _made_whole(items, places)
    for number, item in enumerate(items):
        if isinstance(item, Chain):
            _within(item, number, buffers, places, whole)


def _made_whole(items: Sequence[Item], places: Places) -> set[int]:
    """Ids of what is not made piece by piece of the images: a group may read all of it."""
    steps = (step for item in items for step in steps_of(item) if step.call.pieces == 1)
    return {id(places.root(o)[0]) for step in steps for o, _ in operands(step.call, written=True)}


def _within(chain: Chain, number: int, buffers: dict[int, Buffer], places: Places, whole: set[int]) -> None:
    """`hand_over` in item `number`."""
    first, last = dict[int, int](), dict[int, int]()  # steps of the chain that touch a value of the batch
    values: dict[int, Value] = {}
    for i, step in enumerate(chain.steps):
        for root in roots(step, places):
            key = id(root)
            if isinstance(root, Value) and root.node is not None and root.dense and key in buffers.keys() - whole:
                values[key], last[key] = root, i
                first.setdefault(key, i)
    made = [key for key in values if buffers[key].first == number < buffers[key].last]
    free = [key for key in values if buffers[key].first < number == buffers[key].last]
    for key in made:
        place = next((k for k in free if last[k] < first[key] and _alike(values[k], values[key])), None)
        if place is not None:
            free.remove(place)
            buffers[place].last = buffers[key].last
            buffers[key] = buffers[place]


def _alike(a: Value, b: Value) -> bool:
    """Whether the images of two values are as many, and as large."""
    return a.spec.sizes[:1] == b.spec.sizes[:1] and a.spec.size_bytes == b.spec.size_bytes
