"""Tasks that end where images end, so that steps can be run one group of images after the other.

A batch is cut into `units` of a few images.  A task has some units, or a part of an image that divides it evenly; then
the tasks of a step can be cut where units end, and so can those of all steps (`edgenet.compile.chain`).
"""

from __future__ import annotations

from edgenet.kernels.target import l2_bytes

#: of L2, what a product's task over images touches at most: a chain touches two or three times as much, and is to
#: stay in half (tasks of normalisation have a size of their own)
SHARE = 0.2
#: units of a batch, at least and at most: threads share them out, and sums keep a part for each
UNITS, MOST = 8, 32


def units(images: int) -> int:
    """The smallest divisor of a number of images that is not below `UNITS`; 1 if there is none up to `MOST`.

    >>> units(32), units(100), units(31), units(37), units(4)
    (8, 10, 31, 1, 1)
    """
    return next((u for u in range(UNITS, MOST + 1) if images % u == 0), 1) if images else 1


def even(images: int, each: int, wanted: int) -> int:
    """Rows of a task, about `wanted` and at most a quarter more, in images of `each`: whole images, or a part of one.

    Where neither is near it is `wanted`, and tasks end anywhere.

    >>> even(32, 100, 450), even(32, 100, 30), even(32, 97, 30)
    (400, 25, 30)
    """
    if not images or not each:
        return max(wanted, 1)
    if wanted >= each:
        of_unit = images // units(images)
        return each * max(k for k in range(1, min(of_unit, (wanted + wanted // 4) // each) + 1) if of_unit % k == 0)
    least = -(-each // max(wanted, 1))
    parts = next((k for k in range(least, 2 * least + 1) if each % k == 0), 0)
    return each // parts if parts else max(wanted, 1)


def pieces(images: int, rows: int, task: int) -> int:
    """Into how many pieces of whole units the tasks can be cut, if each has `task` of the rows of all images.

    >>> pieces(32, 3200, 400), pieces(32, 3200, 25), pieces(32, 97 * 32, 30)
    (8, 32, 1)
    """
    if units(images) == 1 or rows % images or rows % max(task, 1):
        return 1
    each = rows // images
    if each % task == 0:
        return images
    return rows // task if task % each == 0 and images // units(images) % (task // each) == 0 else 1


def in_cache(size_bytes: float) -> int:
    """How many tasks it takes to touch so many bytes, if each touches no more than `SHARE` of L2."""
    return -int(-size_bytes // (SHARE * l2_bytes()))


def partitions(images: int, wanted: int) -> int:
    """Partitions of a sum over images, about `wanted` but not fewer than there are units, each of whole units.

    >>> partitions(32, 3), partitions(32, 20), partitions(100, 8), partitions(37, 8)
    (8, 16, 10, 8)
    """
    count = units(images)
    if count == 1:
        return max(1, min(images, wanted))
    return count * max(k for k in range(1, max(1, wanted // count) + 1) if images // count % k == 0)
