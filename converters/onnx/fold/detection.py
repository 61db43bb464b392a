"""Boxes: which of them to keep, and what lies in them."""

from __future__ import annotations

import numpy as np

from ..errors import Unfit
from ..node import OnnxNode
from .core import folds, limited, one_number, wide
from .indexing import within


@folds("NonMaxSuppression")
def _non_max_suppression(node: OnnxNode) -> np.ndarray:
    """Rows (batch, class, box): in the order of their scores, boxes that overlap no better one by more than allowed.

    Boxes (n, m, 4) are (y1, x1, y2, x2), in either order of the corners, or with center_point_box (x, y, w, h); scores
    are (n, classes, m).
    """
    boxes, scores = node.known(0), node.known(1)
    if boxes.ndim != 3 or boxes.shape[2] != 4 or scores.ndim != 3 or (*scores.shape[::2],) != boxes.shape[:2]:
        raise Unfit(f"boxes of shape {list(boxes.shape)} and scores of shape {list(scores.shape)} do not fit")
    most = max(int(one_number(node, 2, 0)), 0)
    overlap, least = np.float32(one_number(node, 3, 0.0)), np.float32(one_number(node, 4, -np.inf))
    if not 0 <= overlap <= 1:
        raise Unfit(f"expected an iou_threshold from 0 to 1, got {overlap}")
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


@folds("RoiAlign")
def _roi_align(node: OnnxNode) -> np.ndarray:
    """For each region (x1, y1, x2, y2), oh by ow means of points read between the pixels of x (n, c, h, w)."""
    x, rois = wide(node.known(0)), wide(node.known(1)) * np.float32(node.attr("spatial_scale", 1.0))
    images = within(node.known(2), x.shape[0] if x.ndim else 0)
    if x.ndim != 4 or rois.shape != (images.size, 4):
        raise Unfit(f"regions of shape {list(rois.shape)} do not fit an input of shape {list(x.shape)}")
    node.only("mode", "avg")
    node.only("coordinate_transformation_mode", "half_pixel", "output_half_pixel")
    half = node.opset >= 16 and node.attr("coordinate_transformation_mode", "half_pixel") == "half_pixel"
    out = node.attr("output_height", 1), node.attr("output_width", 1)
    samples = node.attr("sampling_ratio", 0)
    limited((len(rois), x.shape[1], *out))
    y = np.zeros((len(rois), x.shape[1], *out), x.dtype)
    for i, (image, roi) in enumerate(zip(images.reshape(-1), rois, strict=True)):
        rows = _between(roi[1], roi[3], x.shape[2], out[0], samples, half)
        columns = _between(roi[0], roi[2], x.shape[3], out[1], samples, half)
        y[i] = np.einsum("ah,chw,bw->cab", rows.mean(1), x[image], columns.mean(1), optimize=True)
    return y.astype(node.known(0).dtype)


def _between(start: float, end: float, size: int, out: int, samples: int, half: bool) -> np.ndarray:
    """Weights (out, samples, size) of the pixels along one axis for the points of each part of a region."""
    start, end = (start - 0.5, end - 0.5) if half else (start, end)
    length = end - start if half else max(end - start, 1)
    count = samples if samples > 0 else max(int(np.ceil(length / out)), 1)
    limited((out, count, size))
    at = start + (np.arange(out)[:, None] + (np.arange(count) + 0.5) / count) * length / out
    outside = (at < -1) | (at > size)
    at = np.clip(at, 0, max(size - 1, 0))[..., None]
    weights = np.maximum(1 - np.abs(at - np.arange(size)), 0)
    return np.where(outside[..., None], 0, weights)
