"""Ten geometric shapes on noisy backgrounds: a labelled picture set which is drawn, not downloaded.

A picture is a shape at a random place, size, angle and brightness, on a sloping background, with a patch laid over a
part of it and noise on every pixel. A linear model cannot follow the moves: softmax regression gets 54 to 58 % right,
whatever its step. A small convolutional network can: two convolutions and two dense layers reach 95 % after 5 epochs,
97 % after 8. So the set tells a network that learns from one that does not, in seconds and without a connection.

Every shape is a signed distance d(u, v), negative inside, in a frame centred on the shape, turned with it and measured
in its radius r. A pixel's coverage is clip(1/2 - r d, 0, 1), which draws edges one pixel soft.

The pictures are the same bytes on every machine and with every NumPy: the random numbers are raw words of PCG64, whose
stream NumPy guarantees, and the drawing uses only + - * / and the square root, which IEEE 754 rounds in one way. Hence
no sine (an angle is drawn as the half-angle tangent t, with cos = (1 - t²) / (1 + t²) and sin = 2t / (1 + t²)), no sum
over an axis, and no matrix product.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["CLASS_NAMES", "load_data"]

CLASS_NAMES = ("circle", "ring", "square", "frame", "triangle", "star", "cross", "crescent", "bars", "hourglass")

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

SIZE = 28  # pixels along a side
_CHUNK = 1000  # pictures drawn at once: a multiple of ten; bounds the memory to about 50 MB

# What varies from picture to picture, uniformly within (low, high). Lengths in pixels, brightness in [0, 1].
_RANGES = {
    "x": (9.0, 18.0),
    "y": (9.0, 18.0),
    "radius": (7.0, 9.5),
    "half_tangent": (-0.18, 0.18),  # an angle within ±20°
    "stretch": (0.9, 1.1),  # the frame's u axis against its v axis
    "paper": (0.0, 0.3),
    "contrast": (0.5, 0.75),
    "slope_x": (-0.15, 0.15),  # change of the background from the middle to an edge
    "slope_y": (-0.15, 0.15),
    "patch_x": (4.0, 23.0),
    "patch_y": (4.0, 23.0),
    "patch_half": (1.0, 2.0),
    "patch_value": (0.0, 1.0),
    "noise": (0.02, 0.08),
}


def load_data(
    n_train: int = 6000, n_test: int = 1000, seed: int = 0
) -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Draw a training and a test set of shapes.

    Classes are balanced: every ten pictures in a row hold each class once, in random order. The first pictures of a
    longer set are those of a shorter one. Training and test pictures come from independent streams.

    Args:
        n_train: how many training pictures, 0 or more.
        n_test: how many test pictures, 0 or more.
        seed: a whole number from 0; another seed gives other pictures.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: pictures ``(n, 28, 28, 1)`` uint8, NHWC, and labels ``(n,)`` uint8
        which index ``CLASS_NAMES``.

    Raises:
        TypeError: an argument is not a whole number.
        ValueError: an argument is negative.

    Example:
        >>> from edgenet.datasets import shapes
        >>> (x_train, y_train), (x_test, y_test) = shapes.load_data(n_train=20, n_test=10)
        >>> x_train.shape, x_train.dtype, y_train.shape
        ((20, 28, 28, 1), dtype('uint8'), (20,))
        >>> sorted(shapes.CLASS_NAMES[label] for label in y_test)[:4]
        ['bars', 'circle', 'crescent', 'cross']
    """
    for name, value in (("n_train", n_train), ("n_test", n_test), ("seed", seed)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise TypeError(f"shapes.load_data: {name} is {value!r}, a {type(value).__name__}; give a whole number.")
        if value < 0:
            raise ValueError(f"shapes.load_data: {name} is {value}; give 0 or more.")
    return _draw_set(int(n_train), int(seed), stream=0), _draw_set(int(n_test), int(seed), stream=1)


def _draw_set(n: int, seed: int, stream: int) -> tuple[Bytes, Bytes]:
    """Draw n pictures ``(n, 28, 28, 1)`` and their labels ``(n,)``."""
    labels_key, poses_key, noise_key = ([seed, stream, part] for part in range(3))
    blocks = _uniform(np.random.PCG64(labels_key), -(-n // 10), 10)
    labels = np.argsort(blocks, axis=1, kind="stable").reshape(-1)[:n].astype(np.uint8)

    poses, noise = np.random.PCG64(poses_key), np.random.PCG64(noise_key)
    pictures = np.empty((n, SIZE, SIZE, 1), np.uint8)
    for start in range(0, n, _CHUNK):
        part = slice(start, min(start + _CHUNK, n))
        count = part.stop - part.start
        pictures[part, :, :, 0] = _draw(labels[part], _uniform(poses, count, len(_RANGES)), noise)
    return pictures, labels


def _draw(labels: Bytes, draws: Floats, noise: np.random.PCG64) -> Bytes:
    """Draw one chunk ``(n, 28, 28)`` from its labels ``(n,)`` and its uniform draws ``(n, len(_RANGES))``."""
    pose = {
        name: (low + (high - low) * draws[:, column])[:, None, None]
        for column, (name, (low, high)) in enumerate(_RANGES.items())
    }
    pixels = np.arange(SIZE, dtype=np.float64)
    x, y = pixels[None, None, :], pixels[None, :, None]

    middle = (SIZE - 1) / 2
    paper = pose["paper"] + pose["slope_x"] * ((x - middle) / middle) + pose["slope_y"] * ((y - middle) / middle)
    picture = paper + pose["contrast"] * _coverage(labels, pose, x, y)

    reach = np.maximum(np.abs(x - pose["patch_x"]), np.abs(y - pose["patch_y"]))
    patch = np.clip(0.5 - (reach - pose["patch_half"]), 0.0, 1.0)
    picture += patch * (pose["patch_value"] - picture)

    picture += pose["noise"] * (2.0 * _uniform(noise, len(labels), SIZE * SIZE) - 1.0).reshape(picture.shape)
    return (np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _coverage(labels: Bytes, pose: dict[str, Floats], x: Floats, y: Floats) -> Floats:
    """The share of each pixel which the shape covers, ``(n, 28, 28)`` in [0, 1]."""
    coverage = np.empty((len(labels), SIZE, SIZE))
    for label, distance in enumerate(_DISTANCES):
        mine = np.flatnonzero(labels == label)
        t, radius = pose["half_tangent"][mine], pose["radius"][mine]
        cos, sin = (1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t)
        dx, dy = (x - pose["x"][mine]) / radius, (y - pose["y"][mine]) / radius
        u, v = (dx * cos + dy * sin) * pose["stretch"][mine], dy * cos - dx * sin
        coverage[mine] = np.clip(0.5 - radius * distance(u, v), 0.0, 1.0)
    return coverage


def _uniform(bits: np.random.PCG64, rows: int, columns: int) -> Floats:
    """Uniform numbers ``(rows, columns)`` in [0, 1): the upper 53 bits of each raw word."""
    words = np.asarray(bits.random_raw(rows * columns), np.uint64)
    return ((words >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(rows, columns)


# The signed distances. u points right and v points down, as the pixels do.


def _circle(u: Floats, v: Floats) -> Floats:
    return np.sqrt(u * u + v * v) - 0.8


def _ring(u: Floats, v: Floats) -> Floats:
    return np.abs(np.sqrt(u * u + v * v) - 0.64) - 0.18


def _square(u: Floats, v: Floats) -> Floats:
    return np.maximum(np.abs(u), np.abs(v)) - 0.8


def _frame(u: Floats, v: Floats) -> Floats:
    return np.abs(np.maximum(np.abs(u), np.abs(v)) - 0.66) - 0.16


def _triangle(u: Floats, v: Floats) -> Floats:
    return np.maximum(v, 0.8660254037844386 * np.abs(u) - 0.5 * v) - 0.5


def _star(u: Floats, v: Floats) -> Floats:
    # Five half-planes, 72° apart, bound a pentagon; a pentagram is where at most one of them is missed, so its distance
    # is the second largest of the five. By symmetry in u, two pairs of planes and one horizontal one.
    a = np.abs(u)
    planes = np.stack(
        [
            v,
            0.9510565162951535 * a + 0.3090169943749474 * v,
            -0.9510565162951535 * a + 0.3090169943749474 * v,
            0.5877852522924731 * a - 0.8090169943749475 * v,
            -0.5877852522924731 * a - 0.8090169943749475 * v,
        ]
    )
    second: Floats = np.partition(planes, 3, axis=0)[3]
    return second - 0.36


def _cross(u: Floats, v: Floats) -> Floats:
    long, short = np.maximum(np.abs(u), np.abs(v)), np.minimum(np.abs(u), np.abs(v))
    return np.maximum(long - 0.95, short - 0.26)


def _crescent(u: Floats, v: Floats) -> Floats:
    bite = 0.75 - np.sqrt((u - 0.45) * (u - 0.45) + v * v)
    return np.maximum(_circle(u, v), bite)


def _bars(u: Floats, v: Floats) -> Floats:
    return np.maximum(np.abs(np.abs(v) - 0.5) - 0.24, np.abs(u) - 0.85)


def _hourglass(u: Floats, v: Floats) -> Floats:
    slanted = 0.7592566023652966 * np.abs(u) - 0.6507913734559685 * np.abs(v) - 0.08
    return np.maximum(slanted, np.abs(v) - 0.85)


_DISTANCES: tuple[Callable[[Floats, Floats], Floats], ...] = (
    _circle, _ring, _square, _frame, _triangle, _star, _cross, _crescent, _bars, _hourglass,
)  # fmt: skip
