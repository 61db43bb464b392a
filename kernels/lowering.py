"""What becomes of calls, loops and divisions of integers in a kernel, in LLVM IR.

Numba's own rules serve any Python program: a call returns a status, and its result and an exception through pointers; a
``range`` counts its turns beforehand, whichever way it goes; a division branches four times.  Kernels raise nothing,
so a call returns its result, a loop compares i with its end, and quotients are rounded down by a selection.  That
spares a third of the IR, of which each line takes time: to write, to parse, to simplify.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.callconv import BaseCallConv, Status
from numba.core.imputils import Registry

registry = Registry("edgenet")

_FINE = ir.Constant(ir.IntType(1), 0)


class CallConv(BaseCallConv):  # type: ignore[misc]
    """``result function(arguments…)``, with what Numba asks of a calling convention."""

    # ruff: noqa: D102
    def _make_call_helper(self, builder: Any) -> None:
        return None

    def get_return_type(self, ty: Any) -> Any:
        return self.context.data_model_manager[ty].get_return_type()

    def get_function_type(self, restype: Any, argtypes: Any) -> ir.FunctionType:
        return ir.FunctionType(self.get_return_type(restype), list(self._get_arg_packer(argtypes).argument_types))

    def decorate_function(self, fn: Any, args: Any, fe_argtypes: Any, noalias: bool = False) -> None:
        self._get_arg_packer(fe_argtypes).assign_names(fn.args, [f"arg.{a}" for a in args])
        for argument in fn.args:
            if noalias and isinstance(argument.type, ir.PointerType):
                argument.add_attribute("noalias")

    def get_arguments(self, func: Any) -> Any:
        return func.args

    def call_function(self, builder: Any, callee: Any, resty: Any, argtys: Any, args: Any) -> tuple[Status, Any]:
        result = builder.call(callee, list(self._get_arg_packer(argtys).as_arguments(builder, args)))
        status = Status(**dict.fromkeys(Status._fields, _FINE))
        return status, self.context.get_returned_value(builder, resty, result)

    def return_value(self, builder: Any, retval: Any) -> None:
        builder.ret(retval)

    def return_status_propagate(self, builder: Any, status: Status) -> None:
        builder.unreachable()

    def return_user_exc(self, builder: Any, *_: Any, **__: Any) -> None:
        """Where Python would raise, a function returns zero."""
        builder.ret(ir.Constant(builder.function.function_type.return_type, None))


# range -----------------------------------------------------------------------------------------------------------


def _struct(builder: Any, kind: Any, *members: Any) -> Any:
    value = ir.Constant(kind, ir.Undefined)
    for i, member in enumerate(members):
        value = builder.insert_value(value, member, i)
    return value


@registry.lower(range, types.int64)
@registry.lower(range, types.int64, types.int64)
@registry.lower(range, types.int64, types.int64, types.int64)
def _range(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    zero, one = (context.get_constant(types.int64, n) for n in (0, 1))
    start, stop, step = {1: (zero, *args, one), 2: (*args, one), 3: args}[len(args)]
    return _struct(builder, context.get_value_type(sig.return_type), start, stop, step)


@registry.lower("getiter", types.range_state64_type)
def _iterator(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    start, stop, step = (builder.extract_value(args[0], n) for n in range(3))
    here = cgutils.alloca_once(builder, start.type)
    builder.store(start, here)
    return _struct(builder, context.get_value_type(sig.return_type), here, stop, step)


@registry.lower("iternext", types.range_iter64_type)
def _next(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    here, stop, step = (builder.extract_value(args[0], n) for n in range(3))
    i, upwards = builder.load(here), builder.icmp_signed(">", step, ir.Constant(step.type, 0))
    builder.store(builder.add(i, step, flags=["nsw"]), here)
    valid = builder.select(upwards, builder.icmp_signed("<", i, stop), builder.icmp_signed(">", i, stop))
    return _struct(builder, context.get_value_type(sig.return_type), i, valid)


# division --------------------------------------------------------------------------------------------------------


def _divided(context: Any, builder: Any, sig: Any, args: Any) -> tuple[Any, Any]:
    """Quotient, rounded down, and remainder; a divisor of 0 counts as 1, for which the processor would stop."""
    a, b = (context.cast(builder, v, kind, sig.return_type) for v, kind in zip(args, sig.args, strict=True))
    zero, one = ir.Constant(b.type, 0), ir.Constant(b.type, 1)
    b = builder.select(builder.icmp_signed("==", b, zero), one, b)
    if not sig.return_type.signed:
        return builder.udiv(a, b), builder.urem(a, b)
    q, r = builder.sdiv(a, b), builder.srem(a, b)
    too_high = builder.and_(builder.icmp_signed("!=", r, zero), builder.icmp_signed("<", builder.xor(r, b), zero))
    return builder.sub(q, builder.zext(too_high, q.type)), builder.add(r, builder.select(too_high, b, zero))


@registry.lower(operator.floordiv, types.Integer, types.Integer)
@registry.lower(operator.ifloordiv, types.Integer, types.Integer)
def _quotient(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _divided(context, builder, sig, args)[0]


@registry.lower(operator.mod, types.Integer, types.Integer)
@registry.lower(operator.imod, types.Integer, types.Integer)
def _remainder(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _divided(context, builder, sig, args)[1]
