"""A program for a group of images, run once for each group of a batch; `groups` tells why and when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Graph

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
        homes, views = self._views
        for g in range(self.groups):
            for home, array in zip(homes, arrays, strict=True):
                home[...] = array[g * len(home) : (g + 1) * len(home)]
            super().execute(threads)
            for result, view in zip(results, views, strict=True):
                result[g * len(view) : (g + 1) * len(view)] = view
