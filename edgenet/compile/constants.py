"""Which steps depend on constants alone: these run once, and again after a weight has changed."""

from __future__ import annotations

from edgenet.graph import Scratch, Value, get_op

from .places import Operand, Places, Step, operands


def constant_calls(steps: list[Step], places: Places, variables_fixed: bool) -> set[int]:
    """Numbers of the steps whose operands depend on constants (and, in inference, on variables) alone.

    What one step writes once, a later step may write in every run; then the first was no constant step after all, and
    neither was what read it.  So the search starts again until nothing new is found.
    """

    def fixed(operand: Operand) -> bool:
        if isinstance(operand, Scratch):
            return False
        if operand.variable is not None:
            return variables_fixed and id(operand) not in tainted
        return operand.array is not None

    def is_variable(operand: Operand) -> bool:
        return isinstance(operand, Value) and operand.variable is not None

    tainted: set[int] = set()  # roots that some call writes in every run; what was taken for once may read them: again
    while True:
        once: set[int] = set()
        known: set[int] = set()
        clash = False
        for i, (node, call) in enumerate(steps):
            read, written = operands(call, False), operands(call, True)
            updated = {id(o) for o, _ in written}  # read and written: what it held before is no input of its own
            reads = [places.root(o)[0] for o, _ in read if id(o) not in updated]
            writes = [places.root(o)[0] for o, _ in written]
            op = get_op(node.op)
            if (
                read
                and not op.effect
                and not op.random
                and all(fixed(r) or id(r) in known for r in reads)
                and not any(id(w) in tainted for w in writes)
            ):
                once.add(i)
                known.update(id(w) for w in writes)
            else:
                clash = clash or any(id(w) not in tainted and (id(w) in known or is_variable(w)) for w in writes)
                tainted.update(id(w) for w in writes)
        if not clash:
            return once
