"""Moving numbers without computing: copies between strided arrays.

::

    move     y[y0 + i · sy] = x[x0 + i · sx]        for every index i of a grid of `sizes`

With the right strides this one loop nest is a concatenation, a slice and its gradient, a broadcast (strides of zero), a
transposition, depth to space.  Whoever lowers an op drops axes of size 1 and merges axes that are contiguous in both
arrays (`edgenet.ops.movement`), so that the two inner loops are as long as they can be.

A transposition whose inner axis is contiguous in x and y alike is a `move`; otherwise it is `turn`, which goes through
tiles of TILE × TILE numbers, so that whole cache lines are used on both sides::

          j ──▶ contiguous in y
    i   ┌──────┬──────┐      x[i + j·sx]  ─▶  y[i·sy + j]
    │   │ tile │      │
    ▼   ├──────┼──────┤      i is contiguous in x
        └──────┴──────┘
"""

from ..compiler import In, InI64, Out, device, f32, i64, kernel

#: numbers a task of `copy` moves
COPY_BLOCK = 16384
#: rows and columns of a tile of `turn`
TILE = 16


@kernel
def copy(x: In, y: Out, n: i64, lo: i64, hi: i64):
    """y[i] = x[i]; one task moves COPY_BLOCK numbers."""
    for i in range(lo * COPY_BLOCK, min(hi * COPY_BLOCK, n)):
        y[i] = x[i]


@kernel
def fill(y: Out, n: i64, value: f32, lo: i64, hi: i64):
    """y[i] = value; one task writes COPY_BLOCK numbers."""
    for i in range(lo * COPY_BLOCK, min(hi * COPY_BLOCK, n)):
        y[i] = value


@device
def offset(index, sizes, strides, rank):
    """Offset of element number `index` of a grid."""
    at = 0
    for axis in range(rank - 1, -1, -1):
        at += index % sizes[axis] * strides[axis]
        index //= sizes[axis]
    return at


@kernel
def move(
    x: In, y: Out, sizes: InI64, sx: InI64, sy: InI64, rank: i64,
    rows: i64, rows_of_task: i64, sx1: i64, sy1: i64, n: i64, sx0: i64, sy0: i64, lo: i64, hi: i64,
):  # fmt: skip
    """Copy a grid of `sizes` (rank axes) × rows × n; tasks count (index of the grid, block of rows)."""
    blocks = (rows + rows_of_task - 1) // rows_of_task
    for task in range(lo, hi):
        index, first = task // blocks, task % blocks * rows_of_task
        x0, y0 = offset(index, sizes, sx, rank), offset(index, sizes, sy, rank)
        for row in range(first, min(rows, first + rows_of_task)):
            xr, yr = x0 + row * sx1, y0 + row * sy1
            if sy0 == 1 and sx0 == 1:
                for i in range(n):
                    y[yr + i] = x[xr + i]
            elif sy0 == 1 and sx0 == 0:
                value = x[xr]
                for i in range(n):
                    y[yr + i] = value
            else:
                for i in range(n):
                    y[yr + i * sy0] = x[xr + i * sx0]


@kernel
def turn(
    x: In, y: Out, sizes: InI64, sx: InI64, sy: InI64, rank: i64,
    rows: i64, rows_of_task: i64, sy1: i64, n: i64, sx0: i64, lo: i64, hi: i64,
):  # fmt: skip
    """y[i·sy1 + j] = x[i + j·sx0] for rows i and n columns j; tasks count (index of the grid, block of rows)."""
    blocks = (rows + rows_of_task - 1) // rows_of_task
    for task in range(lo, hi):
        index, first = task // blocks, task % blocks * rows_of_task
        x0, y0 = offset(index, sizes, sx, rank), offset(index, sizes, sy, rank)
        last = min(rows, first + rows_of_task)
        for i0 in range(first, last, TILE):
            for j0 in range(0, n, TILE):
                for i in range(i0, min(last, i0 + TILE)):
                    for j in range(j0, min(n, j0 + TILE)):
                        y[y0 + i * sy1 + j] = x[x0 + i + j * sx0]


@kernel
def pad(
    x: In, y: Out, sizes: InI64, before: InI64, inner: InI64, rank: i64, first: i64, n: i64, width: i64, value: f32,
    lo: i64, hi: i64,
):  # fmt: skip
    """One row of y a task: `value` everywhere, and n numbers of x from `first` on if the row is one of x.

    The rows of y form a grid of `sizes`, those of x one of `inner`, which starts at `before`.
    """
    for task in range(lo, hi):
        index, row, stride, inside = task, 0, 1, True
        for axis in range(rank - 1, -1, -1):
            i = index % sizes[axis] - before[axis]
            inside = inside and 0 <= i < inner[axis]
            row += i * stride
            stride *= inner[axis]
            index //= sizes[axis]
        y0, x0 = task * width, row * n
        if inside:
            for i in range(first):
                y[y0 + i] = value
            for i in range(n):
                y[y0 + first + i] = x[x0 + i]
            for i in range(first + n, width):
                y[y0 + i] = value
        else:
            for i in range(width):
                y[y0 + i] = value
