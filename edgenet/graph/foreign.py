"""What NumPy's functions do when they meet a symbolic value."""

from __future__ import annotations

from typing import Any

import numpy as np

#: functions of NumPy behind an operator of an array, with the method of the symbolic value that stands on the right
_OPERATORS = {
    "add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__", "power": "__rpow__",
    "matmul": "__rmatmul__", "greater": "__lt__", "greater_equal": "__le__", "less": "__gt__", "less_equal": "__ge__",
}  # fmt: skip


class Foreign:
    """Arithmetic of an array with a symbolic value belongs to the value; other functions of NumPy are refused."""

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """What ``array + value`` asks for."""
        name = ufunc.__name__
        if method == "__call__" and not kwargs and not isinstance(inputs[0], Foreign):
            if name in ("equal", "not_equal"):
                return name == "not_equal"  # nothing of NumPy's is this object
            reflected = getattr(self, _OPERATORS.get(name, ""), None)
            if reflected is not None:
                return reflected(inputs[0])
        raise self._refusal(name)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """What ``np.mean(value)`` asks for."""
        if function in (np.shape, np.ndim):
            shape = args[0].shape
            return shape if function is np.shape else len(shape)
        raise self._refusal(function.__name__)

    def _refusal(self, name: str) -> TypeError:
        return TypeError(f"np.{name} computes on arrays; {self!r} is symbolic: write it with edgenet.ops")
