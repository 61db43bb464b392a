"""Smooth activations; their gradients are computed from the input."""

from __future__ import annotations

from edgenet.graph import Node, Value, emit
from edgenet.kernels.cpu import curve as k

from .elementwise import Unary


class _Curve(Unary):
    flops = 40.0

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit(f"{self.name}_dx", [node.inputs[0], dys[0]], **node.attrs)]


class _Slope(Unary):
    flops = 50.0
    no_gradient = "second derivatives are not provided"


class Erf(_Curve):
    """y = 2/√π · ∫ e^-t² dt from 0 to x."""

    name, kernel = "erf", k.erf


class ErfDx(_Slope):
    """dx = dy · 2/√π · e^-x²."""

    name, kernel = "erf_dx", k.erf_dx


class Elu(_Curve):
    """y = x where x > 0, else alpha·(e^x - 1)."""

    name, kernel, params = "elu", k.elu, ("alpha",)


class EluDx(_Slope):
    """dx = dy where x > 0, else dy · alpha·e^x."""

    name, kernel, params = "elu_dx", k.elu_dx, ("alpha",)


class Silu(_Curve):
    """y = x·sigmoid(x)."""

    name, kernel = "silu", k.silu


class SiluDx(_Slope):
    """dx = dy · s·(1 + x·(1 - s)) with s = sigmoid(x)."""

    name, kernel = "silu_dx", k.silu_dx


class Gelu(_Curve):
    """y = x·Φ(x), Φ the distribution function of the normal distribution."""

    name, kernel = "gelu", k.gelu


class GeluDx(_Slope):
    """dx = dy · (Φ(x) + x·φ(x))."""

    name, kernel = "gelu_dx", k.gelu_dx


class GeluTanh(_Curve):
    """y = x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2."""

    name, kernel = "gelu_tanh", k.gelu_tanh


class GeluTanhDx(_Slope):
    """dx = dy · d gelu_tanh / dx."""

    name, kernel = "gelu_tanh_dx", k.gelu_tanh_dx


class HardSilu(_Curve):
    """y = x·min(max(x + 3, 0), 6) / 6."""

    name, kernel, flops = "hard_silu", k.hard_silu, 8.0


class HardSiluDx(_Slope):
    """dx = 0 up to -3, dy from 3 on, else dy · (2x + 3) / 6."""

    name, kernel, flops = "hard_silu_dx", k.hard_silu_dx, 12.0


class Softplus(_Curve):
    """y = log(1 + e^x)."""

    name, kernel = "softplus", k.softplus


class SoftplusDx(_Slope):
    """dx = dy · sigmoid(x)."""

    name, kernel = "softplus_dx", k.softplus_dx


class Mish(_Curve):
    """y = x·tanh(softplus(x))."""

    name, kernel = "mish", k.mish


class MishDx(_Slope):
    """dx = dy · (t + x·(1 - t²)·sigmoid(x)) with t = tanh(softplus(x))."""

    name, kernel = "mish_dx", k.mish_dx


def erf(x: Value) -> Value:
    """2/√π · ∫ e^-t² dt from 0 to x, the error function."""
    y: Value = emit("erf", [x])
    return y


def elu(x: Value, alpha: float = 1.0) -> Value:
    """The number x where it is positive, else alpha·(e^x - 1).  Source: Clevert et al. 2015, arXiv:1511.07289."""
    y: Value = emit("elu", [x], alpha=float(alpha))
    return y


def silu(x: Value) -> Value:
    """x·sigmoid(x), also known as swish."""
    y: Value = emit("silu", [x])
    return y


def gelu(x: Value, approximate: bool = True) -> Value:
    """x·Φ(x) with the approximation of the normal distribution's Φ by tanh, or (not `approximate`) with Φ itself.

    Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.

    >>> from edgenet.graph import Graph
    >>> gelu(Graph().input(("batch", 10)))
    %gelu_tanh: float32[batch, 10]
    """
    y: Value = emit("gelu_tanh" if approximate else "gelu", [x])
    return y


def hard_silu(x: Value) -> Value:
    """x·min(max(x + 3, 0), 6) / 6, also known as hard_swish."""
    y: Value = emit("hard_silu", [x])
    return y


def softplus(x: Value) -> Value:
    """log(1 + e^x)."""
    y: Value = emit("softplus", [x])
    return y


def mish(x: Value) -> Value:
    """x·tanh(softplus(x)).  Source: Misra 2019, arXiv:1908.08681."""
    y: Value = emit("mish", [x])
    return y
