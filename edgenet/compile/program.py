"""Graph → Program: a flat list of kernel calls over one planned arena.

Compiling a graph takes six steps, each a function or class below:

1. *lay out* images: with zeros around them, or between the channels of others (`layout.lay_out`);
2. *lower* every node to kernel calls (`edgenet.graph.Call`), views to no call at all;
3. *place* every operand: a view lies in its source, an input of a concatenation inside its result (`Places`);
4. *split* the calls into those that depend on constants alone, which run once and whenever a weight has changed
   (packing of weights, folding of batch norm), and those of every run (`constant_calls`);
5. *plan* the memory of the second kind by lifetime, in one arena (`Addresses`, `memory.plan`);
6. *write* the argument blocks and the step tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from edgenet.graph import At, Call, Graph, Scratch, ShapeError, Value, get_op
from edgenet.graph.variable import latest_change, touch
from edgenet.kernels.lock import Lock
from edgenet.kernels.parallel import Table, num_threads, prepare
from edgenet.kernels.walk import chain

from .addresses import Addresses
from .chain import Chain, Item, chained, steps_of
from .checks import check_argument, check_order, check_range
from .constants import constant_calls
from .layout import lay_out
from .places import Places, Step, onto_itself
from .share import replaced, shared
from .slots import local, with_borders
from .sources import Reader, Source, reader_of
from .timing import seconds_of

#: an input for `Program.repeat`: key of the array that goes there, the memory, its shape and dtype
Slot = tuple[Any, np.ndarray, tuple[int, ...], np.dtype[Any]]


class Program:
    """A compiled graph.  ``run`` takes one array for each input of the graph and returns one for each output."""

    groups = 1
    """how often the steps are run for one batch"""

    def __init__(self, graph: Graph, variables_fixed: bool) -> None:
        self.graph = graph
        self._lock = Lock()
        lay_out(graph)
        places = self._places = Places(graph)
        steps = [Step(n, c) for n in graph.nodes if not get_op(n.op).view for c in get_op(n.op).lower(n)]
        steps = [s for s in steps if s.call.tasks > 0 and not onto_itself(s.call, places)]
        check_order(graph, steps, places)
        once = constant_calls(steps, places, variables_fixed)
        repeated, instead = shared([s.call for s in steps], once)
        steps = [s._replace(call=replaced(s.call, instead)) for s in steps]
        in_runs = [s for i, s in enumerate(steps) if i not in once]
        items = chained(in_runs, places) if graph.training else in_runs
        kept = {id(places.root(v)[0]) for v in (*graph.inputs, *graph.outputs)}
        self._within = local(items, places, kept)
        self._items = with_borders(graph, items, places, self._within)
        self.steps = [s for item in self._items for s in steps_of(item)]
        self._constant_steps = [s for i, s in enumerate(steps) if i in once and i not in repeated]
        self.addresses = Addresses(graph.name, places)
        self.constant_bytes = self.addresses.place_constants(graph, self._constant_steps, self.steps)
        self.arena_bytes = self.addresses.place_arena(graph, self._items, self._within)
        self.writes_variables = any(get_op(n.op).effect for n in graph.nodes)
        self._stamp = -1
        self._write()

    def _write(self) -> None:
        """Write the step tables, with the addresses that variables have now."""
        self._homes = [(v, v.array) for v in self.graph.variables]
        self._readers: dict[int, list[Reader]] = {id(v): [] for v in self.graph.inputs}
        kernels = [s.call.kernel for s in [*self._constant_steps, *self.steps]]
        prepare([*kernels, chain] if self.addresses.slots_of else kernels)
        self._once = self._table(self._constant_steps)
        self._table_of_run = self._table(self._items)
        inputs, outputs = ([self._view(v) for v in values] for values in (self.graph.inputs, self.graph.outputs))
        self._views = inputs, outputs
        self._sources = [
            Source(v, home, self.addresses.find(v), self._readers[id(v)])
            for v, home in zip(self.graph.inputs, inputs, strict=True)
        ]
        self._show()
        self._slots = self.slots(range(len(self.inputs)))

    def _show(self) -> None:
        """Say what is to be filled before a run, and what may be read after it."""
        self.inputs, self.outputs = self._views

    # step tables -----------------------------------------------------------------------------------------------------

    def _word(self, arg: Any) -> Any:
        if arg is None:
            return 0
        if isinstance(arg, At):
            return self.addresses.find(arg.operand, arg.offset)
        if isinstance(arg, Value | Scratch):
            return self.addresses.find(arg)
        if isinstance(arg, np.ndarray):
            self.addresses.keep.append(arg)
            return arg.ctypes.data
        return arg

    def _block(self, call: Call) -> np.ndarray:
        """The argument block of a call."""
        for kind, arg, name in zip(call.kernel.args[:-2], call.args, call.kernel.parameters, strict=False):
            check_argument(call.kernel, kind, arg, name)
        words = call.kernel.pack(tuple(self._word(a) for a in call.args))
        block = np.array(words or [0], np.int64)
        self.addresses.keep.append(block)
        for number, arg in enumerate(call.args):
            operand = arg.operand if isinstance(arg, At) else arg
            root = self._places.root(operand)[0] if isinstance(operand, Value) else None
            if root is not None and id(root) in self._readers:
                self._readers[id(root)].append(reader_of(call.kernel, block, number, self.addresses.find(root)))
        return block

    def _table(self, items: Sequence[Item]) -> Table:
        rows = []
        for number, item in enumerate(items):
            if isinstance(item, Chain):
                slots = self.addresses.slots_of[number]
                block = slots.block(self.addresses.of, self._block)
                work = sum(s.call.work for s in item.steps)
                self.addresses.keep.append(block)
                rows.append((chain, block.ctypes.data, item.groups, work))
            else:
                rows.append((item.call.kernel, self._block(item.call).ctypes.data, item.call.tasks, item.call.work))
        return Table(rows)

    def _view(self, value: Value) -> np.ndarray:
        """The memory of an input or output as an array."""
        spec, layout, dtype = value.spec, value.layout, np.dtype(value.dtype)
        address = self.addresses.find(value)
        holder = (np.ctypeslib.as_ctypes_type(dtype) * max(layout.size, 1)).from_address(address)
        holder.owner = self.addresses.keep  # the view keeps the memory alive
        strides = [dtype.itemsize * s for s in layout.strides]
        return np.ndarray(spec.sizes, dtype, np.ctypeslib.as_array(holder), dtype.itemsize * layout.start, strides)

    # running ---------------------------------------------------------------------------------------------------------

    def run(self, *arrays: Any) -> list[np.ndarray]:
        """Copy the inputs in, run every step, copy the outputs out.

        Raises:
            ShapeError: if the number or a shape of the inputs is not what the graph was compiled for.
            TypeError: if an input cannot be converted to the dtype of the graph's.
        """
        results = self.repeat(arrays, self._slots) if len(arrays) == len(self._slots) else None
        return self._converted(arrays) if results is None else results

    def slots(self, keys: Iterable[Any]) -> list[Slot]:
        """The inputs, for `repeat`, with the keys of the arrays that go there."""
        return [(key, home, home.shape, home.dtype) for key, home in zip(keys, self.inputs, strict=True)]

    def repeat(self, given: Any, slots: list[Slot], threads: int | None = None) -> list[np.ndarray] | None:
        """The outputs for the arrays that `given` holds under the keys of `slots`, on `threads` threads.

        None, and nothing is computed, unless these are arrays of exactly the shapes and dtypes of the inputs.  A net of
        a few numbers runs faster than Python can say so; hence one loop that checks and copies, and no ``with``.
        """
        self._lock.acquire()
        try:
            for key, home, shape, dtype in slots:
                try:
                    array = given[key]
                except KeyError:
                    return None
                if type(array) is not np.ndarray or array.shape != shape or array.dtype != dtype:
                    return None
                home[...] = array
            self.execute(threads)
            return [view.copy() for view in self.outputs]
        finally:
            self._lock.release()

    def _converted(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        """`run` on whatever can be made arrays of the inputs' dtypes."""
        if len(arrays) != len(self.inputs):
            raise ShapeError(f"{self.graph.name}: expected {len(self.inputs)} inputs, got {len(arrays)}")
        with self._lock:
            for home, array, value in zip(self.inputs, arrays, self.graph.inputs, strict=True):
                array = np.asarray(array)
                if array.shape != home.shape:
                    raise ShapeError(f"input {value.name!r}: expected shape {home.shape}, got {array.shape}")
                check_range(value, array)
                np.copyto(home, array, casting="same_kind")
            self.execute()
            return [view.copy() for view in self.outputs]

    def execute(self, threads: int | None = None) -> None:
        """Run every step on what lies in `inputs`; the results lie in `outputs`.

        Fill all inputs before each call: their memory may be used for other values once they have been read.
        """
        self._run_table(self._refresh(), threads)

    def execute_on(self, arrays: Sequence[np.ndarray], threads: int | None = None) -> None:
        """`execute` on one array for each input, of any dtypes; a large one is read where it is, not copied."""
        seen = self._refresh()  # which may make new tables
        try:
            for source, array in zip(self._sources, arrays, strict=True):
                source.take(array)
            self._run_table(seen, threads)
        finally:
            for source in self._sources:
                source.leave()

    def _run_table(self, seen: int, threads: int | None) -> None:
        self._table_of_run.run(threads)
        if self.writes_variables and touch() == seen + 1:  # else somebody else has written meanwhile
            self._stamp = seen + 1

    def _refresh(self) -> int:
        """Compute what depends on weights alone, if one has changed; returns the stamp of the latest change."""
        seen = latest_change()
        if self._stamp != seen:
            if any(v.array is not home for v, home in self._homes):  # a variable has moved
                self._write()
            self._once.run()
            self._stamp = seen
        return seen

    def profile(self, repeats: int = 20, arrays: Sequence[Any] | None = None) -> list[tuple[Step, float]]:
        """Median seconds of each step on one thread, for one group, on `arrays` or on whatever lies in the inputs."""
        with self._lock, num_threads(1):
            self.execute()
            rows, seconds = self._table_of_run.steps, []
            for _ in range(repeats):
                for home, array in zip(self._views[0], arrays or (), strict=False):
                    np.copyto(home, array if self.groups == 1 else array[: len(home)], casting="same_kind")
                seconds.append([s for row in rows for s in seconds_of(row)])
        return list(zip(self.steps, np.median(seconds, axis=0).tolist(), strict=True))
