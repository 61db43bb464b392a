"""Twenty steps of Adam on a small CNN in PyTorch, for comparison.

    conv 3×3 (3→8) no bias, batch norm, relu, max pool 2×2, conv 3×3 (8→12) relu, flatten, dense → 10 logits

`python tests/models/torch_case.py`, where torch is installed, writes the numbers beside this file; tests compare with
them where it is not.
"""

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
STEPS, BATCH, RATE, EPSILON = 20, 16, 3e-3, 1e-7
NORM_EPSILON, NORM_MOMENTUM = 1e-3, 0.9


def data():
    """Weights in the layout of Keras, samples (NHWC) and labels."""
    rng = np.random.default_rng(20)
    shapes = [(3, 3, 3, 8), (8,), (8,), (3, 3, 8, 12), (12,), (192, 10), (10,)]
    weights = [(rng.normal(size=s) / np.sqrt(max(1, np.prod(s[:-1])))).astype(np.float32) for s in shapes]
    weights[1] = np.ones(8, np.float32) + 0.1 * weights[1]
    x = rng.normal(size=(STEPS * BATCH, 12, 12, 3)).astype(np.float32)
    return weights, x, rng.integers(0, 10, STEPS * BATCH)


def train():
    """The loss of each step, and the weights at the end in the layout of Keras, from PyTorch."""
    import torch
    from torch.nn import functional as f

    torch.set_num_threads(1)
    weights, x, y = data()
    images = torch.from_numpy(np.moveaxis(x, -1, 1).copy())
    labels = torch.from_numpy(y)
    w = [torch.from_numpy(a.transpose(3, 2, 0, 1).copy() if a.ndim == 4 else a.copy()) for a in weights]
    for p in w:
        p.requires_grad_()
    mean, var = torch.zeros(8), torch.ones(8)
    adam = torch.optim.Adam(w, RATE, eps=EPSILON)
    losses = []
    for i in range(0, len(x), BATCH):
        h = f.conv2d(images[i : i + BATCH], w[0], padding=1)
        h = f.batch_norm(h, mean, var, w[1], w[2], training=True, momentum=1 - NORM_MOMENTUM, eps=NORM_EPSILON)
        h = f.conv2d(f.max_pool2d(f.relu(h), 2), w[3], w[4])
        h = f.relu(h).permute(0, 2, 3, 1).reshape(BATCH, -1)
        loss = f.cross_entropy(h @ w[5] + w[6], labels[i : i + BATCH])
        # Keras adds epsilon to sqrt(v), PyTorch to sqrt(v / (1 - beta_2^t))
        adam.param_groups[0]["eps"] = EPSILON / (1 - 0.999 ** (i // BATCH + 1)) ** 0.5
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    found = [p.detach().numpy() for p in w]
    return losses, [a.transpose(2, 3, 1, 0) if a.ndim == 4 else a for a in found]


def digest(losses, weights):
    """What is stored: the losses, and sum and sum of squares of each weight."""
    wide = [np.asarray(a, np.float64) for a in weights]
    return {"loss": [float(v) for v in losses], "sum": [a.sum() for a in wide], "squares": [(a**2).sum() for a in wide]}


if __name__ == "__main__":
    STORED.write_text(json.dumps(digest(*train()), indent=1) + "\n", encoding="utf-8")
