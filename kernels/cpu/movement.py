"""Moving numbers without computing: copy and friends."""


from ..compiler import In, Out, f32, i64, kernel


#: numbers a task of `copy` moves
COPY_BLOCK = 16384


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
