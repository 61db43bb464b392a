"""Damaged models, thousands of them, in a process of their own whose memory and time are limited.

``python converters_fuzz.py FAMILY FIRST LAST`` runs the cases of these numbers and prints what should not have
happened, one line each; a case that ends in an answer or in a clear error of the library prints nothing.
"""

import faulthandler
import linecache
import math
import os
import resource
import signal
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from fuzz_damage import damaged
from fuzz_models import FAMILIES, absurd, outside

#: seconds for one case
LIMIT_S = 60
#: bytes that a case may take beyond what the process has
MEMORY_BYTES = 1 << 31


class Hang(BaseException):
    """A case took too long."""


def clear(error):
    """Whether an error is one that the library raises on purpose: a kind of its own, or by a `raise` of its code."""
    from edgenet.converters.onnx import EvaluationError, UnsupportedModelError
    from edgenet.graph import ShapeError

    if isinstance(error, UnsupportedModelError | EvaluationError | ShapeError):
        return True
    if not isinstance(error, ValueError | TypeError | OSError | MemoryError):
        return False
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    path = last.tb_frame.f_code.co_filename
    return "edgenet" in path and "raise" in linecache.getline(path, last.tb_lineno)


def feeds(session):
    """Small arrays for the inputs, or None where the model wants large ones."""
    from edgenet.cli.files import DTYPES

    rng, found = np.random.default_rng(0), {}
    for info in session.get_inputs():
        shape = [d if isinstance(d, int) else 2 for d in info.shape]
        if math.prod(shape) > 1 << 20:
            return None
        kind = info.type[7:-1]
        kind = DTYPES.get(kind, kind)
        if kind not in np.sctypeDict:
            return None
        found[info.name] = rng.standard_normal(shape).astype(kind)
    return found


def attempt(source):
    """Everything that is done with a model of somebody else."""
    from edgenet.converters.onnx import InferenceSession, read
    from edgenet.converters.onnx.layers import load

    def run():
        session = InferenceSession(source)
        arrays = feeds(session)
        if arrays is not None:
            session.run(None, arrays)

    for action in (run, lambda: read(source), lambda: load(source)):
        try:
            action()
        except Exception as error:
            if not clear(error):
                yield error


def watched(label, source):
    """Print what should not happen with a model."""

    def stop(*_):
        raise Hang

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LIMIT_S)
    try:
        for error in attempt(source):
            last = error.__traceback__
            while last.tb_next is not None:
                last = last.tb_next
            where = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}"
            print(f"{label}: {type(error).__name__} at {where}: {str(error)[:200]!r}", flush=True)
    except Hang:
        print(f"{label}: more than {LIMIT_S} s", flush=True)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main(family, first, last):
    faulthandler.enable()
    warnings.simplefilter("ignore")
    with open("/proc/self/status") as status:
        now = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_BYTES, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(f"{folder}/inside")
        os.chdir(f"{folder}/inside")
        for label, source in cases(family, first, last):
            print(f"@{label}", file=sys.stderr, flush=True)
            watched(label, source)
    print("done")


def cases(family, first, last):
    """Labels and models, or paths of them."""
    if family == "absurd":
        yield from absurd().items()
    elif family == "outside":
        for name in ("../secret.bin", "w.bin"):
            Path(name).write_bytes(bytes(48))
        Path("link.bin").symlink_to("../secret.bin")
        for name, model in outside():
            Path(f"{name}.onnx").write_bytes(model.SerializeToString())
            yield f"outside {name}", f"{name}.onnx"
    else:
        for number in range(first, last):
            yield f"{family} {number}", damaged(family, number)


if __name__ == "__main__":
    for warm in FAMILIES.values():  # imports and kernels, before memory is limited
        for _ in attempt(warm().SerializeToString()):
            pass
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
