"""Boxes and their overlap."""

from __future__ import annotations

import numpy as np

from ..errors import Refused
from ..node import OnnxNode
from .core import folds, one_number


@folds("NonMaxSuppression")
def _non_max_suppression(node: OnnxNode) -> np.ndarray:
    """Rows (batch, class, box): in the order of their scores, boxes that overlap no better one by more than allowed.

    Boxes (n, m, 4) are (y1, x1, y2, x2), in either order of the corners, or with center_point_box (x, y, w, h); scores
    are (n, classes, m).
    """
    boxes, scores = node.known(0), node.known(1)
    if boxes.ndim != 3 or boxes.shape[2] != 4 or scores.ndim != 3 or (*scores.shape[::2],) != boxes.shape[:2]:
        raise Refused(f"boxes of shape {list(boxes.shape)} and scores of shape {list(scores.shape)} do not fit")
    most = max(int(one_number(node, 2, 0)), 0)
    overlap, least = np.float32(one_number(node, 3, 0.0)), np.float32(one_number(node, 4, -np.inf))
    if not 0 <= overlap <= 1:
        raise Refused(f"expected an iou_threshold from 0 to 1, got {overlap}")
    corners = _corners(boxes, node.attr("center_point_box", 0))
    rows = [
        (n, c, box)
        for n in range(scores.shape[0])
        for c in range(scores.shape[1])
        for box in _chosen(corners[n], scores[n, c], most, overlap, least, node.optional(4) is not None)
    ]
    return np.array(rows, np.int64).reshape(-1, 3)


def _corners(boxes: np.ndarray, centered: int) -> np.ndarray:
    """Lower and upper corners (n, m, 2, 2)."""
    first, second = boxes[..., :2], boxes[..., 2:]
    if centered:
        first, second = first - second / 2, first + second / 2
    return np.stack([np.minimum(first, second), np.maximum(first, second)], axis=-2)


def _chosen(
    corners: np.ndarray, scores: np.ndarray, most: int, overlap: np.float32, least: np.float32, bounded: bool
) -> list[int]:
    order = np.argsort(-scores, kind="stable")
    left = order[scores[order] > least] if bounded else order
    areas = np.prod(corners[:, 1] - corners[:, 0], axis=-1)
    chosen: list[int] = []
    while left.size and len(chosen) < most:
        best, left = int(left[0]), left[1:]
        chosen.append(best)
        low = np.maximum(corners[left, 0], corners[best, 0])
        high = np.minimum(corners[left, 1], corners[best, 1])
        shared = np.prod(np.maximum(high - low, 0), axis=-1)
        union = areas[left] + areas[best] - shared
        left = left[~((shared > 0) & (shared > overlap * union))]
    return chosen
