"""Moving numbers without computing: copies between strided arrays.

::

    move     y[y0 + i · sy] = x[x0 + i · sx]        for every index i of a grid of `sizes`

With the right strides this one loop nest is a concatenation, a slice and its gradient, a broadcast (strides of zero), a
transposition, depth to space.  Whoever lowers an op drops axes of size 1 and merges axes that are contiguous in both
arrays (`edgenet.ops.movement`), so that the two inner loops are as long as they can be.

A transposition whose inner axis is contiguous in x and y alike is a `move`, as is any of eight bits; otherwise it is
`turn`, which turns tiles of TILE × TILE numbers in registers, and reads and writes whole vectors::

          j ──▶ contiguous in y
    i   ┌──────┬──────┐      x[i + j·sx]  ─▶  y[i·sy + j]
    │   │ tile │      │
    ▼   ├──────┼──────┤      i is contiguous in x
        └──────┴──────┘
"""

from ..compiler import In, InByte, InI64, InWord, Kernel, Out, OutByte, OutWord, device, f32, i64, kernel
from ..generators import turn_tile, weave
from ..target import current

#: numbers a task of `copy` moves
COPY_BLOCK = 16384
#: rows and columns of a tile of `turn`
TILE = min(current().lanes, 8)
turn_registers = turn_tile(TILE)
LANES = current().lanes
weave_two, weave_three, weave_four = (weave(n, LANES) for n in (2, 3, 4))
#: numbers in a cache line: tiles of one line are turned one after the other
LINE = 16


@kernel
def fill(y: Out, n: i64, value: f32, lo: i64, hi: i64):
    """y[i] = value; one task writes COPY_BLOCK numbers."""
    for i in range(lo * COPY_BLOCK, min(hi * COPY_BLOCK, n)):
        y[i] = value


@device
def offsets(index, sizes, sx, sy, rank):
    """Offsets in x and in y of element number `index` of a grid."""
    x0, y0 = 0, 0
    for axis in range(rank - 1, -1, -1):
        rest = index // sizes[axis]
        i = index - rest * sizes[axis]
        x0 += i * sx[axis]
        y0 += i * sy[axis]
        index = rest
    return x0, y0


def _movers(source, target, suffix: str) -> tuple[Kernel, Kernel]:
    """The kernels copy and move for numbers of one size."""

    def copy(x: source, y: target, n: i64, lo: i64, hi: i64):
        for i in range(lo * COPY_BLOCK, min(hi * COPY_BLOCK, n)):
            y[i] = x[i]

    def move(
        x: source, y: target, sizes: InI64, sx: InI64, sy: InI64, rank: i64,
        rows: i64, rows_of_task: i64, sx1: i64, sy1: i64, n: i64, sx0: i64, sy0: i64, lo: i64, hi: i64,
    ):  # fmt: skip
        blocks = (rows + rows_of_task - 1) // rows_of_task
        for task in range(lo, hi):
            index, first = task // blocks, task % blocks * rows_of_task
            x0, y0 = offsets(index, sizes, sx, sy, rank)
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

    for function in (copy, move):
        function.__qualname__ = function.__name__ + suffix
    return Kernel(copy), Kernel(move)


#: copy: y[i] = x[i]; one task moves COPY_BLOCK numbers.
#: move: a grid of `sizes` (rank axes) × rows × n; tasks count (index of the grid, block of rows)
copy, move = _movers(InWord, OutWord, "")
copy_bytes, move_bytes = _movers(InByte, OutByte, "_bytes")


@kernel
def turn(
    x: InWord, y: OutWord, sizes: InI64, sx: InI64, sy: InI64, rank: i64,
    rows: i64, rows_of_task: i64, sy1: i64, n: i64, sx0: i64, lo: i64, hi: i64,
):  # fmt: skip
    """y[i·sy1 + j] = x[i + j·sx0] for rows i and n columns j; tasks count (index of the grid, block of rows)."""
    blocks = (rows + rows_of_task - 1) // rows_of_task
    for task in range(lo, hi):
        index, first = task // blocks, task % blocks * rows_of_task
        x0, y0 = offsets(index, sizes, sx, sy, rank)
        last = min(rows, first + rows_of_task)
        if sy1 == n and 2 <= n <= 4:
            while first + LANES <= last:
                xa, ya = x0 + first, y0 + first * n
                if n == 2:
                    weave_two(x, xa, sx0, y, ya)
                elif n == 3:
                    weave_three(x, xa, sx0, y, ya)
                else:
                    weave_four(x, xa, sx0, y, ya)
                first += LANES
        whole_rows, whole = last - (last - first) % TILE, n - n % TILE
        for i0 in range(first, whole_rows, LINE):
            i1 = min(whole_rows, i0 + LINE)
            for j in range(0, whole, TILE):
                for i in range(i0, i1, TILE):
                    turn_registers(x, x0 + i + j * sx0, sx0, y, y0 + i * sy1 + j, sy1)
            for j in range(whole, n):
                for i in range(i0, i1):
                    y[y0 + i * sy1 + j] = x[x0 + i + j * sx0]
        for i in range(whole_rows, last):
            for j in range(n):
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
