"""An outline on paper: sizes of boxes, their places, the figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from .figure import new_figure, optional
from .layered import Layout, Point, Size, layered
from .outline import Box, Outline

FONT, TITLE = 8.0, 9.0  # sizes of letters, in points
LINE = 1.35  # height of a line in letters
PAD, FRAME, MARGIN = 9.0, 14.0, 12.0
COLOURS = {"line": "#3c4856", "title": "#1f2933", "box": "#eef3f8", "input": "#fdf3dc", "model": "#f7f8fa"}


@dataclass
class Placed:
    """An outline with sizes and places; `inside` holds the same for boxes that contain layers."""

    outline: Outline
    layout: Layout
    sizes: list[Size]
    inside: dict[int, Placed] = field(default_factory=dict)


def draw(outline: Outline, rankdir: str) -> Any:
    """The figure, as large as its contents."""
    placed = _place(outline, sideways=rankdir in ("LR", "RL"))
    width, height = placed.layout.size
    sideways = rankdir in ("LR", "RL")
    paper = (height, width) if sideways else (width, height)
    figure = new_figure("plot_model", (paper[0] + 2 * MARGIN) / 72, (paper[1] + 2 * MARGIN) / 72)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(-MARGIN, paper[0] + MARGIN)
    axes.set_ylim(paper[1] + MARGIN, -MARGIN)
    _Pen(axes, rankdir, (width, height)).outline(placed, (0.0, 0.0))
    return figure


def _place(outline: Outline, sideways: bool) -> Placed:
    inside = {id(box): _place(box.inside, sideways) for box in outline.boxes if box.inside is not None}
    sizes = [_framed(box, inside[id(box)], sideways) if box.inside else _size(box, sideways) for box in outline.boxes]
    number = {id(box): i for i, box in enumerate(outline.boxes)}
    arrows = [(number[id(a)], number[id(b)]) for a, b in outline.arrows]
    return Placed(outline, layered(sizes, arrows), sizes, inside)


def _text_width(text: str, points: float) -> float:
    path = optional("matplotlib.textpath", "plot_model").TextPath((0, 0), text, size=points, usetex=False)
    return float(path.get_extents().width)


def _size(box: Box, sideways: bool) -> Size:
    """Width and height in the layout, in which arrows always go down."""
    width = max([1.12 * _text_width(box.title, TITLE), *(_text_width(line, FONT) for line in box.lines)])  # 1.12: bold
    size = (width * 1.06 + 2 * PAD, LINE * (TITLE + FONT * len(box.lines)) + 2 * PAD - 4)
    return size[::-1] if sideways else size


def _framed(box: Box, placed: Placed, sideways: bool) -> Size:
    """The size of a box around the layers inside of it."""
    width, height = placed.layout.size[::-1] if sideways else placed.layout.size
    own_width, own_height = _size(box, sideways=False)
    size = (max(width + 2 * FRAME, own_width), height + own_height + FRAME)
    return size[::-1] if sideways else size


class _Pen:
    """Draws placed outlines; turns the layout, in which arrows go down, into the direction that is wanted."""

    def __init__(self, axes: Any, rankdir: str, size: Size) -> None:
        self.axes, self.rankdir, self.size = axes, rankdir, size
        self.patches = optional("matplotlib.patches", "plot_model")
        self.path = optional("matplotlib.path", "plot_model").Path

    def at(self, point: Point) -> Point:
        """Where a point of the layout lies on paper."""
        x, y = point
        if self.rankdir in ("BT", "RL"):
            y = self.size[1] - y
        return (y, x) if self.rankdir in ("LR", "RL") else (x, y)

    def outline(self, placed: Placed, corner: Point) -> None:
        """Draw the boxes, then the arrows, with the layout's corner at this point."""
        for box, centre, size in zip(placed.outline.boxes, placed.layout.centres, placed.sizes, strict=True):
            middle = (corner[0] + centre[0], corner[1] + centre[1])
            kind = "model" if box.inside else "input" if box in placed.outline.starts else "box"
            self.box(box, middle, size, kind)
            if box.inside is not None:
                inner = placed.inside[id(box)]
                self.outline(inner, self.inner_corner(box, middle, inner))
        for line in placed.layout.arrows:
            self.arrow([(corner[0] + x, corner[1] + y) for x, y in line])

    def inner_corner(self, box: Box, middle: Point, inner: Placed) -> Point:
        """Where the layout inside of a box begins: the box has its text at its top on paper."""
        title = _size(box, sideways=False)[1] / 2 - FRAME / 2
        width, height = inner.layout.size
        x, y = middle[0] - width / 2, middle[1] - height / 2
        if self.rankdir in ("LR", "RL"):
            return x + title, y
        return x, y + (title if self.rankdir == "TB" else -title)

    def box(self, box: Box, middle: Point, size: Size, kind: str) -> None:
        """A rectangle with its text."""
        x, y = self.at(middle)
        width, height = size[::-1] if self.rankdir in ("LR", "RL") else size
        shape = self.patches.FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=4",
            facecolor=COLOURS[kind], edgecolor=COLOURS["line"], linewidth=0.8,
            linestyle="--" if box.inside else "-",
        )  # fmt: skip
        self.axes.add_patch(shape)
        top = y - height / 2 + PAD - 2
        style = {"ha": "center", "va": "top", "color": COLOURS["title"]}
        self.axes.text(x, top, box.title, fontsize=TITLE, fontweight="bold", **style)
        for i, line in enumerate(box.lines):
            self.axes.text(x, top + LINE * (TITLE + FONT * i), line, fontsize=FONT, **style)

    def arrow(self, points: list[Point]) -> None:
        """A smooth line through the points, which leaves and enters along the direction of the arrows."""
        vertices, codes = [self.at(points[0])], [self.path.MOVETO]
        for i, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
            if i % 2:  # through a rank, beside its boxes
                vertices.append(self.at((x1, y1)))
                codes.append(self.path.LINETO)
            else:
                half = (y0 + y1) / 2
                vertices += [self.at((x0, half)), self.at((x1, half)), self.at((x1, y1))]
                codes += [self.path.CURVE4] * 3
        line = self.patches.FancyArrowPatch(
            path=self.path(vertices, codes), arrowstyle="-|>", mutation_scale=8, color=COLOURS["line"], linewidth=0.9,
            shrinkA=0, shrinkB=0,
        )  # fmt: skip
        self.axes.add_patch(line)
