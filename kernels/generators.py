"""What kernels call and Numba makes, by name: it is made when a kernel that uses it is compiled, and not before.

A program whose kernels are all in the cache needs neither Numba nor llvmlite, whose imports take several times as long
as loading the program.  So kernels name their helpers through this module: `device` functions, and the intrinsics that
`simd`, `tile`, `taps`, `window`, `norm_strips`, `shuffle`, `integer_tile` and `atomic` generate in LLVM IR.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

#: never plain True: NaN and infinities must stay what they are
FASTMATH = frozenset({"contract", "reassoc", "nsz", "arcp", "afn"})

#: activation codes of the tiles' epilogue
ACT_NONE, ACT_RELU, ACT_CLAMP, ACT_LEAKY = 0, 1, 2, 3


class Deferred:
    """Something of Numba's, made at the first use."""

    def __init__(self, name: str, make: Callable[[], Any]) -> None:
        self.__name__ = name
        self._make = make
        self._real: Any = None

    def __repr__(self) -> str:
        return f"<{self.__name__}, made when a kernel uses it>"

    @property
    def real(self) -> Any:
        """Numba's own object."""
        if self._real is None:
            self._real = self._make()
        return self._real

    @property
    def _numba_type_(self) -> Any:
        """What Numba asks an object that it does not know for."""
        from .translate import typed

        return typed(self.real)


class Device(Deferred):
    """``@device``: a helper that kernels call and that is inlined into them; called from Python, plain Python."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function.__qualname__, self._compiled)
        self.py_func = function
        functools.update_wrapper(self, function)

    def _compiled(self) -> Any:
        from .translate import helper

        return helper(self.py_func)

    def __call__(self, *args: Any) -> Any:
        """Call the Python function."""
        return self.py_func(*args)


def _intrinsic(module: str, name: str) -> Any:
    return Deferred(name, lambda: getattr(import_module(f".{module}", __package__), name))


def _family(module: str, name: str) -> Callable[..., Any]:
    """A generator of intrinsics: called with the parameters of one."""

    @functools.cache
    def member(*parameters: Any) -> Deferred:
        return Deferred(
            f"{name}{parameters}", lambda: getattr(import_module(f".{module}", __package__), name)(*parameters)
        )

    return member


move, accumulate, clear = (_family("simd", n) for n in ("move", "accumulate", "clear"))
plus, minus, times, divide, muladd = (_intrinsic("simd", n) for n in ("plus", "minus", "times", "divide", "muladd"))
maximum, minimum, absolute, root = (_intrinsic("simd", n) for n in ("maximum", "minimum", "absolute", "root"))
wide_root = _intrinsic("simd", "wide_root")
bits_wide, number_wide = _intrinsic("simd", "bits_wide"), _intrinsic("simd", "number_wide")
bits, number = _intrinsic("simd", "bits"), _intrinsic("simd", "number")
tiles, tile = _family("tile", "tiles"), _intrinsic("tile", "tile")
taps_tile, taps_gradient = _family("taps", "taps_tile"), _family("taps", "taps_gradient")
window_rows, window_gradient = _family("taps", "window_rows"), _family("taps", "window_gradient")
window_blocks = _family("taps", "window_blocks")
reduce_window, route_window = _family("window", "reduce_window"), _family("window", "route_window")
max_row, route_row = _family("window", "max_row"), _family("window", "route_row")
norm_moments, norm_products = _family("norm_strips", "norm_moments"), _family("norm_strips", "norm_products")
norm_walk, norm_dx_walk = (
    _family("norm_strips", "norm_walk"),
    _family("norm_strips", "norm_dx_walk"),
)
norm_total, norm_moments_total = _family("norm_strips", "norm_total"), _family("norm_strips", "norm_moments_total")
turn_tile, weave = _family("shuffle", "turn_tile"), _family("shuffle", "weave")
integer_tile, integer_taps = _family("integer_tile", "integer_tile"), _family("integer_tile", "integer_taps")
call, ask, pause = (_intrinsic("atomic", n) for n in ("call", "ask", "pause"))
atomic_add, atomic_load, atomic_store = (_intrinsic("atomic", f"atomic_{n}") for n in ("add", "load", "store"))
