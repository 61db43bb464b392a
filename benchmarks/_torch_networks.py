"""The networks of `_networks` as PyTorch modules with the weights of an edgenet model.

Where the stride is 2, Keras's "same" pads one row at the end, PyTorch's modules pad a row on both sides.  The result
has the same size and costs the same, but is another number.  So a network is built `exact`, with a padding of its own
before such a convolution and in float64, to be compared, and otherwise, as PyTorch's users write it, to be timed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from _networks import Network, Part
from torch import nn

Array = np.ndarray


class _Residual(nn.Module):
    def __init__(self, branch: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch, self.shortcut = branch, shortcut

    def forward(self, x: Any) -> Any:
        return self.branch(x) + self.shortcut(x)


class _Concat(nn.Module):
    def __init__(self, branches: list[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Any) -> Any:
        return torch.cat([branch(x) for branch in self.branches], 1)


class _Flatten(nn.Module):
    """Flatten in the order of memory, (h, w, c), so that the weights of the next layer are those of Keras."""

    def forward(self, x: Any) -> Any:
        return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)


class _GlobalAverage(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.mean((2, 3))


class _TorchBuilder:
    def __init__(self, shape: tuple[int, ...], exact: bool) -> None:
        self.shape, self.exact = shape, exact
        self.modules: list[nn.Module] = []

    def _windows(self, filters: int, kernel: Any, stride: Any, bias: bool, valid: bool, groups: int = 1) -> None:
        h, w, c = self.shape
        kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
        stride = (stride, stride) if isinstance(stride, int) else stride
        size = [(n - k) // s + 1 if valid else math.ceil(n / s) for n, k, s in zip((h, w), kernel, stride, strict=True)]
        total = [max((o - 1) * s + k - n, 0) for o, s, k, n in zip(size, stride, kernel, (h, w), strict=True)]
        padding = [-(-t // 2) for t in total]
        if self.exact and any(t % 2 for t in total):
            top, left = total[0] // 2, total[1] // 2
            self.modules.append(nn.ZeroPad2d((left, total[1] - left, top, total[0] - top)))
            padding = [0, 0]
        module = nn.Conv2d(c, filters, kernel, stride, padding=tuple(padding), groups=groups, bias=bias)
        self.modules.append(module)
        self.shape = (*size, filters)

    def conv(self, filters: int, kernel: Any, stride: Any = 1, bias: bool = True, valid: bool = False) -> None:
        self._windows(filters, kernel, stride, bias, valid)

    def depthwise(self, kernel: int, stride: int = 1) -> None:
        self._windows(self.shape[-1], kernel, stride, False, False, groups=self.shape[-1])

    def norm(self) -> None:
        kind = nn.BatchNorm2d if len(self.shape) == 3 else nn.BatchNorm1d
        self.modules.append(kind(self.shape[-1], eps=1e-3, momentum=0.01))

    def relu(self, most: float | None = None) -> None:
        self.modules.append(nn.ReLU() if most is None else nn.Hardtanh(0.0, most))

    def max_pool(self, size: int, stride: int | None = None) -> None:
        if stride is None:
            self.modules.append(nn.MaxPool2d(size))
            self.shape = (self.shape[0] // size, self.shape[1] // size, self.shape[2])
            return
        h, w, c = self.shape
        out = [math.ceil(n / stride) for n in (h, w)]
        if self.exact:  # zeros do for padding: what comes here has passed a ReLU
            total = [max((o - 1) * stride + size - n, 0) for o, n in zip(out, (h, w), strict=True)]
            top, left = total[0] // 2, total[1] // 2
            self.modules.append(nn.ZeroPad2d((left, total[1] - left, top, total[0] - top)))
        self.modules.append(nn.MaxPool2d(size, stride, 0 if self.exact else size // 2))
        self.shape = (*out, c)

    def global_average(self) -> None:
        self.modules.append(_GlobalAverage())
        self.shape = self.shape[-1:]

    def flatten(self) -> None:
        self.modules.append(_Flatten())
        self.shape = (math.prod(self.shape),)

    def dense(self, units: int) -> None:
        self.modules.append(nn.Linear(self.shape[-1], units))
        self.shape = (units,)

    def residual(self, branch: Part, shortcut: Part | None = None) -> None:
        (first, _), modules = self._branches((branch, shortcut))
        self.modules.append(_Residual(*modules))
        self.shape = first.shape

    def concat(self, *branches: Part) -> None:
        builders, modules = self._branches(branches)
        self.modules.append(_Concat(modules))
        self.shape = (*builders[0].shape[:-1], sum(b.shape[-1] for b in builders))

    def _branches(self, parts: tuple[Part | None, ...]) -> tuple[list[_TorchBuilder], list[nn.Module]]:
        builders = []
        for part in parts:
            b = _TorchBuilder(self.shape, self.exact)
            if part is not None:
                part(b)
            builders.append(b)
        return builders, [nn.Sequential(*b.modules) for b in builders]


def torch_module(network: Network, weights: dict[str, list[Array]], exact: bool = False) -> nn.Module:
    """The network with `weights` by the kind of layer ("conv", "norm", "dense"), in the order of layers."""
    builder = _TorchBuilder(network.shape, exact)
    network.describe(builder)
    module = nn.Sequential(*builder.modules)
    left = {kind: list(arrays) for kind, arrays in weights.items()}
    with torch.no_grad():
        for m in module.modules():
            if isinstance(m, nn.Conv2d):
                _copy(m.weight, _oihw(left["conv"].pop(0), m.groups))
                _copy(m.bias, left["conv"].pop(0) if m.bias is not None else None)
            elif isinstance(m, nn.Linear):
                _copy(m.weight, left["dense"].pop(0).T)
                _copy(m.bias, left["dense"].pop(0))
            elif isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d):
                for target in (m.weight, m.bias, m.running_mean, m.running_var):
                    _copy(target, left["norm"].pop(0))
    if any(left.values()):
        raise AssertionError(f"{network.name}: weights are left over: { {k: len(v) for k, v in left.items()} }")
    return module.double() if exact else module.to(memory_format=torch.channels_last)


def _oihw(w: Array, groups: int) -> Array:
    """From (kh, kw, ci, co); a depthwise kernel stands as (kh, kw, ci, 1) in Keras's layer."""
    return w.transpose(2, 3, 0, 1) if groups > 1 else w.transpose(3, 2, 0, 1)


def _copy(target: Any, array: Array | None) -> None:
    if target is not None and array is not None:
        target.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def tensor(x: Array) -> torch.Tensor:
    """A batch; images become channels_last."""
    t = torch.from_numpy(x)
    return t.permute(0, 3, 1, 2) if t.ndim == 4 else t


class Trainer:
    """Training steps of a module as PyTorch's users write them: forward, loss, backward, SGD with momentum."""

    def __init__(self, module: nn.Module, learning_rate: float, momentum: float, x: Array, y: Array) -> None:
        self.module = module.train()
        self.optimizer = torch.optim.SGD(module.parameters(), lr=learning_rate, momentum=momentum)
        self.loss = nn.CrossEntropyLoss()
        self.x, self.y = tensor(x), torch.from_numpy(y.astype(np.int64))

    def step(self) -> float:
        """One step; the loss before it."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.module(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())
