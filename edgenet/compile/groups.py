"""Large batches are run in groups of images whose results stay in the cache.

Layer by layer, the results of a batch go to memory and come back: 186 MB for 32 images of MobileNetV2, 6 MB for one.
So a program for inference is compiled for a few images and run again and again (`edgenet.compile.grouped`)::

    layer by layer                           in groups
    layer 1: image 0 1 2 3 4 5 …             image 0 1: layer 1, layer 2, …, layer n
    layer 2: image 0 1 2 3 4 5 …             image 2 3: layer 1, layer 2, …, layer n

It pays where layers compute little for each number that they move.  Against small groups speak weights, which every
group reads once more, and steps with little work.  So a group has as many images as have their results in `ROOM` times
L2, and no more weights than results.  Where already those of one image are larger, groups of one still pay while they
stay in the last cache, of `FAR` times L2.

A graph can be taken apart if every image is computed by itself: nothing is summed over the first axis, or moved along
it.  That is told by the list of ops below; a graph with others is run as it is.
"""

from __future__ import annotations

from edgenet.graph import Graph, Node, Spec, Value, get_op
from edgenet.kernels.target import l2_bytes
from edgenet.ops.elementwise import Binary, Unary
from edgenet.ops.reduce import reduced_axes

from .memory import Buffer, most_alive

#: results of a group, by the size of L2: at most, at most in a group of the smallest size, and at least
ROOM, FAR, LEAST = 1.75, 8, 0.25
#: floating point operations for each byte of the results from which on layers do not wait for memory
INTENSE = 50

#: ops that compute every image by itself, and which of their inputs hold images; the others are the same for all
IMAGES = {
    "conv2d": (0, 3), "dense": (0, 3), "batch_norm": (0,), "max_pool": (0,), "avg_pool": (0,), "depth_to_space": (0,),
    "space_to_depth": (0,), "transpose": (0,), "reshape": (0,), "softmax": (0,), "log_softmax": (0,),
    "resize": (0,), "sum": (0,), "mean": (0,), "max": (0,), "min": (0,),
}  # fmt: skip


def take_group(graph: Graph) -> int:
    """Make a graph one of a group of its images, in place; returns how many groups there are, 1 if all is as it was."""
    values = _with_images(graph)
    if not values:
        return 1
    count = graph.inputs[0].spec.sizes[0]
    size = _size_of_group(graph, values, count)
    if size == count:
        return 1
    for value in values:
        value.spec = Spec((size, *value.spec.sizes[1:]), value.dtype)
    for node in graph.nodes:
        if node.op == "reshape" and any(node.output is v for v in values):
            node.attrs = {**node.attrs, "shape": node.output.shape}
    return count // size


def _with_images(graph: Graph) -> list[Value]:
    """All values along whose first axis the images of the batch lie; none if the graph can't be taken apart."""
    counts = {v.spec.sizes[0] if v.spec.rank else 1 for v in graph.inputs}
    if len(counts) != 1 or counts <= {0, 1}:
        return []
    (count,) = counts
    found, known = list(graph.inputs), {id(v) for v in graph.inputs}
    for node in graph.nodes:
        if not any(id(v) in known for v in node.inputs):
            continue
        shapes = [v.spec.sizes for v in node.outputs]
        if not shapes or any(shape[:1] != (count,) for shape in shapes) or not _by_image(node, known):
            return []
        found += node.outputs
        known.update(id(v) for v in node.outputs)
    return found if all(id(v) in known for v in graph.outputs) else []


def _by_image(node: Node, known: set[int]) -> bool:
    """Whether each image of the results depends on this image of the operands alone."""
    images = [v is not None and id(v) in known for v in node.inputs]
    given = [(v, image) for v, image in zip(node.inputs, images, strict=True) if v is not None]
    rank, op, attrs = node.output.spec.rank, get_op(node.op), node.attrs
    if node.op == "concat":
        return all(images) and attrs["axis"] % rank != 0
    if isinstance(op, Unary):
        return all(images)
    if isinstance(op, Binary):
        same = (v.spec.rank < rank or v.spec.sizes[0] == 1 for v, image in given if not image)
        return all(v.spec.rank == rank for v, image in given if image) and all(same)
    places = IMAGES.get(node.op, ())
    wrong = (image != (i in places) for i, image in enumerate(images) if node.inputs[i] is not None)
    if not places or any(wrong):
        return False
    x = given[0][0].spec.rank
    if node.op == "transpose":
        return bool(attrs["perm"][0] == 0)
    if "axes" in attrs:
        return 0 not in reduced_axes(attrs["axes"], x)
    return not attrs.get("transpose_x") and ("axis" not in attrs or attrs["axis"] % x != 0)


def _size_of_group(graph: Graph, values: list[Value], count: int) -> int:
    """Images of a group: a divisor of their number, or the number itself."""
    alive, made = _results_bytes(graph, values)
    room, flops = l2_bytes(), sum(get_op(n.op).cost(n).flops for n in graph.nodes)
    if alive <= ROOM * room or flops > INTENSE * made:
        return count
    read = {id(v): v for node in graph.nodes for v in node.inputs if v is not None and v.data is not None}
    weights = sum(v.spec.size_bytes for v in read.values())
    sizes = [m for m in range(1, count) if count % m == 0 and weights * count <= made * m]
    fitting = [m for m in sizes if alive * m <= ROOM * room * count]
    if fitting:
        return fitting[-1] if alive * fitting[-1] >= LEAST * room * count else count
    return sizes[0] if sizes and alive * sizes[0] <= FAR * room * count else count


def _results_bytes(graph: Graph, values: list[Value]) -> tuple[int, int]:
    """Bytes of what the whole batch makes that live at once, at most, and of all together."""
    known = {id(v) for v in values}
    lives = {id(v): Buffer(v.spec.size_bytes, -1, -1) for v in graph.inputs}
    for i, node in enumerate(graph.nodes):
        lives |= {id(v): Buffer(v.spec.size_bytes, i, i) for v in node.outputs if id(v) in known}
        for v in node.inputs:
            if id(v) in lives:
                lives[id(v)].last = i
    for v in graph.outputs:
        lives[id(v)].last = len(graph.nodes)
    return most_alive(list(lives.values())), sum(b.size_bytes for b in lives.values())
