"""The cases by which onnx defines its operators, and the list of those that pass, `converters/node_cases.txt`.

``python tests/node_cases.py`` adds what passes now to the list, which may only grow.
"""

import contextlib
import sys
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test import loader

LIST = Path(__file__).parent / "converters" / "node_cases.txt"
HEADER = "# Cases of onnx that pass; tests/node_cases.py adds to it. Made with onnx {}.\n"


class Case(NamedTuple):
    name: str
    model: Any
    data: list[tuple[list[Any], list[Any]]]
    """for each set inputs and outputs"""
    rtol: float
    atol: float

    def differences(self, prepare):
        """What is wrong with the results of a backend, as sentences."""
        rep = prepare(self.model)
        for inputs, wanted in self.data:
            got = list(rep.run(list(inputs)))
            if len(got) != len(wanted):
                yield f"{len(got)} outputs, expected {len(wanted)}"
            for y, want in zip(got, wanted, strict=False):
                if not isinstance(want, np.ndarray) or (y.shape, y.dtype) != (want.shape, want.dtype):
                    yield f"{_told(y)}, expected {_told(want)}"
                elif want.dtype.kind in "OSUb" and not np.array_equal(y, want):
                    yield "other contents"
                elif want.dtype.kind not in "OSUb" and not np.allclose(y, want, self.rtol, self.atol, equal_nan=True):
                    yield f"other numbers, by {np.abs(y.astype(float) - want.astype(float)).max():.3g}"


def _told(y):
    return f"{getattr(y, 'dtype', type(y).__name__)} {np.shape(y)}"


def cases() -> list[Case]:
    """The cases of single operators, and the small models of whole networks."""
    found = []
    for kind in ("node", "simple"):
        for c in loader.load_model_tests(kind=kind):
            model, data = c.model, c.data_sets
            if model is None:  # before onnx 1.23 they lie in files
                model, data = _stored(Path(c.model_dir))
            with contextlib.suppress(TypeError, ValueError, NotImplementedError):  # what is no array of NumPy
                data = [tuple([_array(x) for x in part] for part in one) for one in data]
                found.append(Case(c.name, model, data, c.rtol, c.atol))
    for path in sorted(Path(loader.DATA_DIR, "light").glob("*.onnx")):
        model = onnx.load(path)
        stored = {t.name for t in model.graph.initializer}
        shapes = [
            [d.dim_value for d in i.type.tensor_type.shape.dim] for i in model.graph.input if i.name not in stored
        ]
        inputs = [(np.arange(np.prod(s)).reshape(s) / np.prod(s)).astype(np.float32) for s in shapes]
        found.append(
            Case(path.stem, model, [(inputs, [_tensor(path.with_name(f"{path.stem}_output_0.pb"))])], 1e-3, 1e-7)
        )
    return found


def _stored(folder):
    """Model and data of a case in files."""
    model = onnx.load(folder / "model.onnx")
    data = []
    for one in sorted(folder.glob("test_data_set_*")):
        counts = [len(list(one.glob(f"{part}_*.pb"))) for part in ("input", "output")]
        data.append(
            tuple(
                [_tensor(one / f"{part}_{i}.pb") for i in range(n)]
                for part, n in zip(("input", "output"), counts, strict=True)
            )
        )
    return model, data


def _tensor(path):
    return numpy_helper.to_array(onnx.load_tensor(path))


def _array(x):
    if isinstance(x, onnx.TensorProto):
        return numpy_helper.to_array(x)
    if x is None or isinstance(x, list | tuple) or hasattr(x, "SerializeToString"):
        raise TypeError(f"{type(x).__name__} is no array")
    return np.asarray(x)


def listed() -> tuple[str, list[str]]:
    """The version of onnx that the list was made with, and the names in it."""
    head, *names = LIST.read_text().splitlines()
    return head.split()[-1].rstrip("."), names


def main():
    from edgenet.converters.onnx.backend import prepare

    warnings.simplefilter("ignore")
    before = listed()[1] if LIST.exists() else []
    passing = []
    for case in cases():
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            if not list(case.differences(prepare)):
                passing.append(case.name)
    lost = sorted(set(before) - set(passing))
    if lost:
        sys.exit(f"these no longer pass, so that the list is left as it is: {', '.join(lost)}")
    LIST.write_text(HEADER.format(onnx.__version__) + "\n".join(sorted(passing)) + "\n")
    print(f"{len(passing)} cases pass, {len(before)} did before")


if __name__ == "__main__":
    main()
