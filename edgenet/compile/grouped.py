"""A program for a group of images, run once for each group of a batch; `groups` tells why and when.

The images of a group are not copied: the steps that read an input get the address of the group in the caller's array.
But for the last group, since some kernels read whole vectors, and might read behind the end of the array.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import At, Graph, Value

from .program import Program, Slot


class Grouped(Program):
    """`Program` of the graph of one group; its inputs and outputs are those of the whole batch."""

    def __init__(self, graph: Graph, groups: int) -> None:
        self.groups = groups
        self._batch: tuple[list[np.ndarray], list[np.ndarray]] | None = None
        super().__init__(graph, variables_fixed=True)

    def _show(self) -> None:
        if self._batch is None:  # its memory stays, whatever becomes of weights
            inputs, outputs = ([self._of_batch(v) for v in views] for views in self._views)
            self._batch = inputs, outputs
        self.inputs, self.outputs = self._batch
        self._sources = [_Source(self, v, home) for v, home in zip(self.graph.inputs, self._views[0], strict=True)]

    def _of_batch(self, view: np.ndarray) -> np.ndarray:
        return np.zeros((self.groups * len(view), *view.shape[1:]), view.dtype)

    def repeat(self, given: Any, slots: list[Slot], threads: int | None = None) -> list[np.ndarray] | None:
        """See `Program.repeat`; arrays are copied group by group, straight to where the steps read them."""
        try:
            arrays = [given[key] for key, *_ in slots]
        except KeyError:
            return None
        for array, (_, _, shape, dtype) in zip(arrays, slots, strict=True):
            if type(array) is not np.ndarray or array.shape != shape or array.dtype != dtype:
                return None
        results = [np.empty_like(y) for y in self.outputs]
        with self._lock:
            self._run_groups(arrays, results, threads)
        return results

    def execute(self, threads: int | None = None) -> None:
        """Run every step for every group on what lies in `inputs`; the results lie in `outputs`."""
        self._run_groups(self.inputs, self.outputs, threads)

    def _run_groups(self, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray], threads: int | None) -> None:
        for g in range(self.groups):
            self._refresh()  # which may make new tables
            for source, array in zip(self._sources, arrays, strict=True):
                source.set(array, g, last=g == self.groups - 1)
            self._table_of_run.run(threads)
            for result, view in zip(results, self._views[1], strict=True):
                result[g * len(view) : (g + 1) * len(view)] = view


class _Source:
    """Where the steps read an input from: the words of their arguments, and what each adds to the address."""

    def __init__(self, program: Grouped, value: Value, home: np.ndarray) -> None:
        self.home, self.address = home, int(home.ctypes.data)
        self.words: list[tuple[Any, int]] = []
        self.dense = value.dense
        for step, (_, block, *_) in zip(program.steps, program._table_of_run.steps, strict=True):
            for number, arg in enumerate(step.call.args):
                operand = arg.operand if isinstance(arg, At) else arg
                if isinstance(operand, Value) and program._places.root(operand)[0] is value:
                    word = ctypes.c_int64.from_address(block + 8 * number)
                    self.words.append((word, word.value - self.address))

    def set(self, array: np.ndarray, group: int, last: bool) -> None:
        """Have the steps read this group of an array."""
        address = self.address
        if self.dense and not last and array.flags.c_contiguous and array.flags.aligned:
            address = array.ctypes.data + group * self.home.nbytes
        else:
            self.home[...] = array[group * len(self.home) : (group + 1) * len(self.home)]
        for word, offset in self.words:
            word.value = address + offset
