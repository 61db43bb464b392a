"""Tasks that can be cut where images end, so that steps can be run one group of images after the other."""

from __future__ import annotations

from math import gcd


def even(images: int, each: int, wanted: int) -> int:
    """Units of a task, about `wanted`, so that no task has a part of an image and some of another one.

    Of images with `each` units it is as many whole ones as divide their number, or a part that divides an image; where
    only much smaller parts do that, it is `wanted`.

    >>> even(32, 100, 450), even(32, 100, 30), even(32, 97, 30)
    (400, 25, 30)
    """
    if not images or not each or wanted < 1:
        return max(wanted, 1)
    if wanted >= each:
        return each * max(k for k in range(1, min(images, wanted // each) + 1) if images % k == 0)
    least = -(-each // wanted)
    parts = next((k for k in range(least, 2 * least + 1) if each % k == 0), 0)
    return each // parts if parts else wanted


def pieces(images: int, units: int, task: int) -> int:
    """Into how many equal pieces, of whole images, tasks of `task` units can be cut."""
    return gcd(images, units // task) if images and task and units % task == 0 else 1
