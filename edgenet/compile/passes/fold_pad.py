"""Fold zeros around an image into the padding of the convolution that reads it.

::

    pad(x, zeros) → conv2d(padding p)          conv2d(x, padding p + zeros)

Keras's ``ZeroPadding2D`` and many exporters write them apart; a convolution needs no copy for them (`layout`).
"""

from __future__ import annotations

from edgenet.graph import Graph


def fold_pad(graph: Graph) -> None:
    """Run the pass, in place."""
    for node in graph.nodes:
        if node.op != "conv2d" or node.inputs[0] is None:
            continue
        pad = node.inputs[0].node
        if pad is None or pad.op != "pad" or pad.attrs["value"] != 0:
            continue
        batch, rows, columns, channels = pad.attrs["padding"]
        if any(batch) or any(channels):
            continue
        (top, bottom), (left, right) = node.attrs["padding"]
        around = ((top + rows[0], bottom + rows[1]), (left + columns[0], right + columns[1]))
        node.attrs = {**node.attrs, "padding": around}
        node.inputs[0] = pad.inputs[0]
