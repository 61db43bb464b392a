"""Figures, histograms and the graph for TensorBoard, written by the package ``tensorboardX``: no TensorFlow."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from .callback import Callback, Logs


class TensorBoard(Callback):
    """Write what ``tensorboard --logdir=…`` shows: a folder ``train`` and, with a validation, ``validation``.

    Tags are those of Keras: ``epoch_loss``, ``batch_loss``, ``dense/kernel/histogram``.  Needs ``tensorboardX``.

    Args:
        log_dir: folder for the files.
        histogram_freq: epochs between histograms of the weights; 0 for none.
        write_graph: whether the graph of the model in inference is written.
        write_images: not there; must be false.
        write_steps_per_second: whether the steps a second are a figure.
        update_freq: ``"epoch"``, ``"batch"`` or a number of batches between figures of batches.
        profile_batch: not there; must be 0.
        embeddings_freq: not there; must be 0.
        embeddings_metadata: not there; must be None.

    Raises:
        ImportError: if ``tensorboardX`` is not installed.
        NotImplementedError: for what is not there.
        ValueError: for another update_freq.
    """

    def __init__(
        self, log_dir: str | os.PathLike[str] = "logs", histogram_freq: int = 0, write_graph: bool = True,
        write_images: bool = False, write_steps_per_second: bool = False, update_freq: str | int = "epoch",
        profile_batch: int = 0, embeddings_freq: int = 0, embeddings_metadata: Any = None,
    ) -> None:  # fmt: skip
        asked = {
            "write_images": write_images,
            "profile_batch": profile_batch,
            "embeddings_freq": embeddings_freq,
            "embeddings_metadata": embeddings_metadata,
        }
        for argument, value in asked.items():
            if value:
                raise NotImplementedError(f"TensorBoard: {argument} is not there, got {value!r}: leave it out")
        if update_freq not in ("epoch", "batch") and not (isinstance(update_freq, int) and update_freq > 0):
            raise ValueError(f"TensorBoard: update_freq must be 'epoch', 'batch' or a number, got {update_freq!r}")
        self.log_dir, self.histogram_freq = Path(log_dir), histogram_freq
        self.write_graph, self.write_steps_per_second = write_graph, write_steps_per_second
        self.every = 0 if update_freq == "epoch" else 1 if update_freq == "batch" else int(update_freq)
        self.module = _tensorboardx()
        self.writers: dict[str, Any] = {}
        self.batches = self.in_epoch = 0
        self.started = 0.0

    def _writer(self, part: str) -> Any:
        if part not in self.writers:
            self.writers[part] = self.module.SummaryWriter(str(self.log_dir / part))
        return self.writers[part]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Write the graph."""
        if self.write_graph and self.model.built:
            self._writer("train").file_writer.add_onnx_graph(_graph(self.model.graph()))  # takes any GraphDef

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start the clock."""
        self.started, self.in_epoch = time.perf_counter(), 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write figures of batches."""
        self.batches += 1
        self.in_epoch += 1
        if self.every and self.batches % self.every == 0:
            for name, value in (logs or {}).items():
                self._writer("train").add_scalar(f"batch_{name}", value, self.batches)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write figures and histograms."""
        found = {"learning_rate": self.model.optimizer.learning_rate, **(logs or {})}
        if self.write_steps_per_second:
            found["steps_per_second"] = self.in_epoch / (time.perf_counter() - self.started)
        for name, value in found.items():
            held = name.startswith("val_")
            part, name = ("validation", name[4:]) if held else ("train", name)
            self._writer(part).add_scalar(f"epoch_{name}", value, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for weight in self.model.weights:
                values = weight.array[np.isfinite(weight.array)]
                if values.size:
                    self._writer("train").add_histogram(f"{weight.name}/histogram", values, epoch)
        for writer in self.writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        for writer in self.writers.values():
            writer.close()
        self.writers = {}


def _tensorboardx() -> Any:
    try:
        import tensorboardX
    except ImportError as error:
        raise ImportError(
            "callbacks.TensorBoard needs the package tensorboardX: pip install 'edgenet[tensorboard]'"
        ) from error
    return tensorboardX


def _graph(graph: Any) -> Any:
    """A graph of edgenet as TensorBoard's GraphDef."""
    from tensorboardX.proto.graph_pb2 import GraphDef
    from tensorboardX.proto.node_def_pb2 import NodeDef

    def name(value: Any) -> str:
        return str(value.node.outputs[0].name if value.node is not None else value.name)

    variables = [v for node in graph.nodes for v in node.inputs if v is not None and v.node is None]
    starts = {id(v): v for v in [*graph.inputs, *variables]}.values()
    nodes = [NodeDef(name=v.name, op="Placeholder" if v.data is None else "Const") for v in starts]
    nodes += [
        NodeDef(name=n.outputs[0].name, op=n.op, input=[name(v) for v in n.inputs if v is not None])
        for n in graph.nodes
    ]
    return GraphDef(node=nodes)
