"""Seeded random CNNs in ONNX, as exporters might write them."""

import numpy as np
from onnx import helper
from onnx_models import model_of

UNARY = {
    "Relu": {}, "Sigmoid": {}, "Tanh": {}, "LeakyRelu": {"alpha": 0.3}, "Elu": {"alpha": 0.8}, "Softplus": {},
    "Abs": {}, "HardSigmoid": {"alpha": 0.25}, "Identity": {}, "Softsign": {}, "Selu": {}, "Neg": {},
}  # fmt: skip


class Network:
    """Nodes that are added behind `name`, an image of the shape `shape` (n, c, h, w)."""

    def __init__(self, seed, opset, size):
        self.rng = np.random.default_rng(seed)
        self.opset = opset
        self.nodes, self.stored = [], {}
        self.name, self.shape = "image", size
        self.earlier = []

    def draw(self, *shape):
        return self.rng.standard_normal(shape).astype(np.float32)

    def store(self, array, name):
        name = f"{name}_{len(self.stored)}"
        self.stored[name] = np.asarray(array)
        return name

    def add(self, op, inputs, shape=None, **attrs):
        made = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [made], name=f"/{made}", **attrs))
        self.earlier.append((self.name, self.shape))
        self.name, self.shape = made, self.shape if shape is None else shape

    # one method a kind of operator -----------------------------------------------------------------------------------

    def conv(self):
        n, c, h, w = self.shape
        groups = int(self.rng.choice([1, c])) if c > 1 else 1
        co, k = (
            c * int(self.rng.integers(1, 3)) if groups == c else int(self.rng.integers(1, 7)),
            int(self.rng.choice([1, 3])),
        )
        inputs = [self.name, self.store(self.draw(co, c // groups, k, k) / k, "kernel")]
        if self.rng.random() < 0.7:
            inputs.append(self.store(self.draw(co), "bias"))
        stride, pad = int(self.rng.integers(1, 3)), k // 2
        size = [(s + 2 * pad - k) // stride + 1 for s in (h, w)]
        self.add("Conv", inputs, (n, co, *size), group=groups, strides=[stride] * 2, pads=[pad] * 4)

    def transposed(self):
        n, c, h, w = self.shape
        if h * w > 200:
            return
        co = int(self.rng.integers(1, 5))
        kernel = self.store(self.draw(c, co, 2, 2), "up")
        self.add("ConvTranspose", [self.name, kernel], (n, co, 2 * h, 2 * w), strides=[2, 2])

    def norm(self):
        c = self.shape[1]
        arrays = [self.draw(c), self.draw(c), self.draw(c), np.abs(self.draw(c)) + np.float32(0.5)]
        names = [self.store(a, n) for a, n in zip(arrays, ("gamma", "beta", "mean", "var"), strict=True)]
        self.add("BatchNormalization", [self.name, *names])

    def pool(self):
        n, c, h, w = self.shape
        if min(h, w) < 3:
            return
        op = str(self.rng.choice(["MaxPool", "AveragePool"]))
        more = {"count_include_pad": int(self.rng.integers(2))} if op == "AveragePool" else {}
        size = (n, c, (h + 1) // 2, (w + 1) // 2)
        self.add(op, [self.name], size, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, **more)

    def unary(self):
        op = str(self.rng.choice(list(UNARY)))
        self.add(op, [self.name], **UNARY[op])

    def swish(self):
        x = self.name
        self.add("Sigmoid", [x])
        self.add("Mul", [x, self.name])

    def clip(self):
        if self.opset < 11:
            return self.add("Clip", [self.name], min=-1.0, max=1.5)
        low, high = (self.store(np.array(v, np.float32), "bound") for v in (-1, 1.5))
        return self.add("Clip", [self.name, low, high])

    def residual(self):
        same = [name for name, shape in self.earlier if shape == self.shape]
        if same:
            self.add(str(self.rng.choice(["Add", "Mul", "Sub", "Max"])), [self.name, str(self.rng.choice(same))])

    def concat(self):
        n, c, h, w = self.shape
        fitting = [(name, s) for name, s in self.earlier if len(s) == 4 and s[2:] == (h, w) and s[1] + c < 24]
        if fitting:
            name, shape = fitting[int(self.rng.integers(len(fitting)))]
            self.add(
                "Concat",
                [self.name, name],
                (n, c + shape[1], h, w),
                axis=int(self.rng.choice([1, -3])) if self.opset > 10 else 1,
            )

    def scale(self):
        c = self.shape[1]
        self.add(str(self.rng.choice(["Mul", "Add"])), [self.name, self.store(self.draw(c, 1, 1), "scale")])

    def gate(self):
        n, c, h, w = self.shape
        before = self.name
        self.add("GlobalAveragePool", [before], (n, c, 1, 1))
        self.add("Sigmoid", [self.name])
        self.add("Mul", [before, self.name], (n, c, h, w))

    def pad(self):
        n, c, h, w = self.shape
        pads = [0, 0, 1, 0, 0, 0, 0, 2]
        size = (n, c, h + 1, w + 2)
        if self.opset < 11:
            self.add("Pad", [self.name], size, pads=pads)
        else:
            self.add("Pad", [self.name, self.store(np.array(pads), "pads")], size)

    def shuffle(self):
        n, c, h, w = self.shape
        if c % 2:
            return
        shapes = [self.store(np.array(s), "shape") for s in ((0, 2, c // 2, h, w), (0, c, h, w))]
        self.add("Reshape", [self.name, shapes[0]], (n, 2, c // 2, h, w))
        self.add("Transpose", [self.name], (n, c // 2, 2, h, w), perm=[0, 2, 1, 3, 4])
        self.add("Reshape", [self.name, shapes[1]], (n, c, h, w))

    def blocks(self):
        n, c, h, w = self.shape
        if h % 2 == 0 and w % 2 == 0 and c < 8:
            self.add("SpaceToDepth", [self.name], (n, 4 * c, h // 2, w // 2), blocksize=2)

    def cut(self):
        n, c, h, w = self.shape
        if h < 4:
            return
        size = (n, c, h - 2, w)
        if self.opset < 10:
            self.add("Slice", [self.name], size, axes=[2], starts=[1], ends=[-1])
        else:
            self.add("Slice", [self.name, *(self.store(np.array([v]), "cut") for v in (1, -1, 2))], size)

    def head(self):
        n, c, *_ = self.shape
        if self.rng.random() < 0.5:
            self.add("GlobalAveragePool", [self.name], (n, c, 1, 1))
        else:
            size = int(np.prod(self.shape[2:]))
            self.add("Reshape", [self.name, self.store(np.array([0, c * size]), "rows")], (n, c * size))
        if len(self.shape) == 4:
            self.add("Flatten", [self.name], (n, c))
        k = self.shape[1]
        turned = bool(self.rng.integers(2))
        matrix = self.draw(5, k) if turned else self.draw(k, 5)
        inputs = [self.name, self.store(matrix / k**0.5, "matrix"), self.store(self.draw(5), "bias")]
        self.add("Gemm", inputs, (n, 5), transB=int(turned))
        self.add("Softmax", [self.name], axis=1)


KINDS = (
    "conv", "conv", "conv", "transposed", "norm", "pool", "unary", "unary", "swish", "clip", "residual", "residual",
    "concat", "scale", "gate", "pad", "shuffle", "blocks", "cut",
)  # fmt: skip


def random_cnn(seed, opset=17, length=12, batch="n"):
    """A model, and an array for its input."""
    rng = np.random.default_rng(seed)
    size = (2, int(rng.integers(1, 5)), int(rng.integers(6, 13)), int(rng.integers(6, 13)))
    net = Network([seed, 1], opset, size)
    for kind in rng.choice(KINDS, length):
        getattr(net, str(kind))()
    middle = net.name
    net.head()
    (x,) = [net.draw(*size)]
    outputs = [net.name] + ([middle] if middle != "image" and rng.random() < 0.3 else [])
    shapes = {"image": (batch, *size[1:])}
    return model_of(net.nodes, {"image": x}, outputs, net.stored, opset, shapes, ir_version=8), x
