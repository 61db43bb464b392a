"""Images moved, turned and zoomed by affine maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import affine as k

from .broadcast import expect_float

FILLS = {"constant": k.CONSTANT, "nearest": k.NEAREST, "reflect": k.REFLECT, "wrap": k.WRAP}
INTERPOLATIONS = {"nearest": 0, "bilinear": 1}


class _Mapped(Op):
    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        image, maps = (specs[1], specs[0]) if self.name == "affine_dx" else specs
        expect_float(image, maps)
        if image.rank != 4 or any(isinstance(d, str) or d < 1 for d in image.shape[1:]):
            raise ShapeError(f"expected images of shape (n, h, w, c) with h, w and c known, got {image.shape}")
        if maps.shape != (image.shape[0], 6):
            raise ShapeError(f"expected six numbers for each image, shape {(image.shape[0], 6)}, got {maps.shape}")
        if attrs["fill"] not in FILLS or attrs["interpolation"] not in INTERPOLATIONS:
            raise ShapeError(f"expected fill of {', '.join(FILLS)} and interpolation of nearest, bilinear, got {attrs}")
        return [Spec(image.shape)]

    def _how(self, node: Node) -> tuple[int, int]:
        return INTERPOLATIONS[node.attrs["interpolation"]], FILLS[node.attrs["fill"]]

    def cost(self, node: Node) -> Cost:
        return Cost(10 * node.output.spec.size, super().cost(node).bytes)


class Affine(_Mapped):
    """y[n, p, q, c] = x[n, m0·p + m1·q + m2, m3·p + m4·q + m5, c] with m = maps[n], interpolated."""

    name = "affine"

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("affine_dx", [node.inputs[1], dys[0]], **node.attrs), None]  # places are drawn, not learned

    def lower(self, node: Node) -> list[Call]:
        n, *sizes = node.output.spec.sizes
        args = (*node.inputs, node.output, *sizes, *self._how(node), float(node.attrs["value"]))
        return [Call(k.affine, args, n * sizes[0], 40.0 * node.output.spec.size)]


class AffineDx(_Mapped):
    """The gradient of affine with respect to the images, from the maps and dy."""

    name = "affine_dx"
    no_gradient = "second derivatives are not supported"

    def lower(self, node: Node) -> list[Call]:
        n, *sizes = node.output.spec.sizes
        args = (*node.inputs, node.output, *sizes, *self._how(node))
        return [Call(k.affine_dx, args, n, 50.0 * node.output.spec.size)]


def affine(x: Value, maps: Any, *, interpolation: str = "bilinear", fill: str = "reflect", value: float = 0.0) -> Value:
    """Take each pixel from elsewhere: y[n, p, q] = x[n, m0·p + m1·q + m2, m3·p + m4·q + m5] with m = maps[n].

    Args:
        x: (n, h, w, c).
        maps: (n, 6); they receive no gradient.
        interpolation: ``"bilinear"`` between four pixels, or the ``"nearest"``.
        fill: what lies around an image a b c d: ``"constant"``, the `value`; ``"nearest"``, the edge;
            ``"reflect"``, d c b a | a b c d | d c b a; ``"wrap"``, a b c d | a b c d | a b c d.
        value: the constant.

    Raises:
        ShapeError: if the shapes do not fit together, or a name is not known.

    >>> from edgenet.graph import Graph
    >>> graph = Graph()
    >>> affine(graph.input((2, 8, 8, 3)), graph.input((2, 6)))
    %affine: float32[2, 8, 8, 3]
    """
    y: Value = emit("affine", [x, maps], interpolation=interpolation, fill=fill, value=float(value))
    return y
