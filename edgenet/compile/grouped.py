"""A program for a group of images, run once for each group of a batch; `groups` tells why and when.

The images of a group are not copied: the steps that read an input get the address of the group in the caller's array.
But for the last group, since some kernels read whole vectors, and might read behind the end of the array.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Graph

from .program import Program, Slot
from .sources import Source


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

    def execute_on(self, arrays: Sequence[np.ndarray], threads: int | None = None) -> None:
        """See `Program.execute_on`."""
        for home, array in zip(self.inputs, arrays, strict=True):
            np.copyto(home, array, casting="unsafe")
        self.execute(threads)

    def _run_groups(self, arrays: Sequence[np.ndarray], results: Sequence[np.ndarray], threads: int | None) -> None:
        for g in range(self.groups):
            self._refresh()  # which may make new tables
            for source, array in zip(self._sources, arrays, strict=True):
                self._read(source, array, g)
            self._table_of_run.run(threads)
            for result, view in zip(results, self._views[1], strict=True):
                result[g * len(view) : (g + 1) * len(view)] = view

    def _read(self, source: Source, array: np.ndarray, group: int) -> None:
        """Have the steps read a group of an array."""
        last = group == self.groups - 1
        if source.dense and not last and array.flags.c_contiguous and array.flags.aligned:
            source.read_at(array.ctypes.data + group * source.home.nbytes)
        else:
            source.read_at(source.address)
            source.home[...] = array[group * len(source.home) : (group + 1) * len(source.home)]
