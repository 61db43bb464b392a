"""The error for what does not fit into the memory that the machine has left.

Linux hands out memory that is not there and ends the process once it is written to: so what is large asks before it is
allocated.
"""

from __future__ import annotations

from edgenet.kernels.memory import free_bytes

#: below this nobody asks: the answer takes longer than the allocation
SMALL_BYTES = 1 << 24
FEWER_WEIGHTS = "train fewer weights: freeze layers (layer.trainable = False), or make the model smaller"


def require(size_bytes: int, what: str, advice: str) -> None:
    """Raise MemoryError unless the machine has `size_bytes` of memory left.

    Args:
        size_bytes: what is about to be allocated.
        what: what it is for, the subject of the error's sentence.
        advice: what to do about it.
    """
    if size_bytes < SMALL_BYTES:
        return
    left_bytes = free_bytes()
    if left_bytes is not None and size_bytes > left_bytes:
        raise MemoryError(
            f"{what}, takes {size(size_bytes)}, and the machine has {size(left_bytes)} of memory left: {advice}"
        )


def size(n: float) -> str:
    """Bytes in words.

    >>> size(12_000_000_000), size(1536)
    ('12 GB', '1.54 KB')
    """
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} TB" if n < 1000 else f"{n:,.0f} TB"
