"""Functions that networks use now and then: angles and their kin, rounding, and some of two values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgenet.graph import Node, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import function as k

from .elementwise import Binary, Unary


def _op(name: str, *inputs: Any) -> Value:
    y: Value = emit(name, list(inputs))
    return y


class _Smooth(Unary):
    """Its gradient is dy times a slope, or divided by a number, made of x and y by other ops."""

    flops = 40.0

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x = node.inputs[0]
        assert x is not None
        return [self.pull(x, node.output, dys[0])]

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        """The gradient of x."""
        raise NotImplementedError


class Sin(_Smooth):
    """y = sin x; NaN from 2³⁰ on."""

    name, kernel = "sin", k.sin

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return dy * _op("cos", x)


class Cos(_Smooth):
    """y = cos x; NaN from 2³⁰ on."""

    name, kernel = "cos", k.cos

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return -(dy * _op("sin", x))


class Tan(_Smooth):
    """y = tan x; NaN from 2³⁰ on."""

    name, kernel = "tan", k.tan

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return dy * (y * y + 1.0)


class Asin(_Smooth):
    """y = arcsin x; NaN outside of [-1, 1]."""

    name, kernel = "asin", k.asin

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return dy / _op("cos", y)


class Acos(_Smooth):
    """y = arccos x; NaN outside of [-1, 1]."""

    name, kernel = "acos", k.acos

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return -(dy / _op("sin", y))


class Atan(_Smooth):
    """y = arctan x."""

    name, kernel = "atan", k.atan

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return dy / (x * x + 1.0)


class Sinh(_Smooth):
    """y = (e^x - e^-x) / 2."""

    name, kernel = "sinh", k.sinh

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return dy * _op("cosh", x)


class Cosh(_Smooth):
    """y = (e^x + e^-x) / 2."""

    name, kernel = "cosh", k.cosh

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return dy * _op("sinh", x)


class Asinh(_Smooth):
    """y = log(x + √(x² + 1))."""

    name, kernel = "asinh", k.asinh

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return dy / _op("cosh", y)


class Acosh(_Smooth):
    """y = log(x + √(x² - 1)); NaN below 1."""

    name, kernel = "acosh", k.acosh

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return dy / _op("sinh", y)


class Atanh(_Smooth):
    """y = log((1 + x) / (1 - x)) / 2; NaN outside of [-1, 1]."""

    name, kernel = "atanh", k.atanh

    def pull(self, x: Value, y: Value, dy: Value) -> Value:
        return dy / (1.0 - x * x)


class _Stairs(Unary):
    no_gradient = "it is constant almost everywhere"

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [None]


class Floor(_Stairs):
    """y = the largest whole number that is not above x; no gradient flows."""

    name, kernel = "floor", k.floor


class Ceil(_Stairs):
    """y = the smallest whole number that is not below x; no gradient flows."""

    name, kernel = "ceil", k.ceil


class Round(_Stairs):
    """y = the whole number nearest to x, halves to the even one; no gradient flows."""

    name, kernel = "round", k.round_of


class Sign(_Stairs):
    """y = 1 where x > 0, -1 where x < 0, else x; no gradient flows."""

    name, kernel = "sign", k.sign


class Remainder(Binary):
    """y = a - b·trunc(a / b), with the sign of a."""

    name, kernel = "remainder", k.remainder

    def pull(self, a: Value, b: Value, y: Value, dy: Value) -> tuple[Value, Value]:
        quotient = (a - y) / b  # a whole number
        return dy, -(dy * quotient)


class PRelu(Binary):
    """y = x where x >= 0, else slope·x; the slope is a value that broadcasts to x."""

    name, kernel = "prelu", k.prelu

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        (y,) = super().infer(specs, attrs)
        if y.shape != specs[0].shape:
            raise ShapeError(f"the slope of shape {specs[1].shape} does not broadcast to x of shape {specs[0].shape}")
        return [y]

    def pull(self, a: Value, b: Value, y: Value, dy: Value) -> tuple[Value, Value]:
        below = emit("greater", [0.0, a])
        return dy * (1.0 + below * (b - 1.0)), dy * emit("minimum", [a, 0.0])


def _unary(name: str, meaning: str, more: str = "") -> Callable[[Value], Value]:
    def function(x: Value) -> Value:
        return _op(name, x)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{meaning}{more}"
    return function


ANGLE = "  NaN from 2³⁰ on, where a float32 names no angle."
sin = _unary("sin", "The sine of x.", ANGLE)
cos = _unary("cos", "The cosine of x.", ANGLE)
tan = _unary("tan", "The tangent of x.", ANGLE)
asin = _unary("asin", "The angle whose sine is x; NaN outside of [-1, 1].")
acos = _unary("acos", "The angle whose cosine is x; NaN outside of [-1, 1].")
atan = _unary("atan", "The angle whose tangent is x.")
sinh = _unary("sinh", "(e^x - e^-x) / 2.")
cosh = _unary("cosh", "(e^x + e^-x) / 2.")
asinh = _unary("asinh", "log(x + √(x² + 1)).")
acosh = _unary("acosh", "log(x + √(x² - 1)); NaN below 1.")
atanh = _unary("atanh", "log((1 + x) / (1 - x)) / 2; NaN outside of [-1, 1].")
STAIRS = "  No gradient flows through it."
floor = _unary("floor", "The largest whole number that is not above x.", STAIRS)
ceil = _unary("ceil", "The smallest whole number that is not below x.", STAIRS)
round = _unary("round", "The whole number nearest to x, halves to the even one.", STAIRS)
sign = _unary("sign", "1 where x > 0, -1 where x < 0, else x.", STAIRS)


def remainder(a: Any, b: Any) -> Value:
    """What is left of a after as many whole b as fit, with the sign of a (C's fmod); broadcast like NumPy."""
    return _op("remainder", a, b)


def prelu(x: Value, slope: Any) -> Value:
    """The number x where it is not negative, else slope·x; the slope broadcasts to x.

    Raises:
        ShapeError: if it does not.

    Source: He et al. 2015, arXiv:1502.01852.
    """
    return _op("prelu", x, slope)
