"""Every op has its tests, its gradient and its ONNX form, or says why not."""

import inspect
from pathlib import Path

import pytest

import edgenet.ops  # noqa: F401  (registers the ops)
from edgenet.graph import Op, registered_ops

OPS = sorted(registered_ops().items())
HERE = Path(__file__).parent


@pytest.mark.parametrize(("name", "op"), OPS, ids=[n for n, _ in OPS])
def test_has_a_shape_rule_and_a_lowering(name, op):
    assert type(op).__doc__, "an op's docstring gives its formula"
    assert op.view or type(op).lower is not Op.lower


@pytest.mark.parametrize(("name", "op"), OPS, ids=[n for n, _ in OPS])
def test_has_an_oracle_test_in_the_file_of_its_family(name, op):
    stem = Path(inspect.getsourcefile(type(op))).stem
    tests = HERE / f"test_{STEMS.get(stem, stem)}.py"
    assert name.removesuffix("_dx").removesuffix("_dw") in tests.read_text(), f"{tests.name} does not mention {name}"


#: ops whose file has another name than their tests
STEMS = {"cut": "movement", "join": "movement", "norm_train": "norm"}


@pytest.mark.parametrize(("name", "op"), OPS, ids=[n for n, _ in OPS])
def test_has_a_gradient_or_says_why_not(name, op):
    own = type(op).gradient is not Op.gradient
    assert own or op.no_gradient


@pytest.mark.parametrize(("name", "op"), OPS, ids=[n for n, _ in OPS])
def test_can_be_written_as_onnx_or_says_why_not(name, op):
    pytest.importorskip("onnx", reason="onnx is not installed")
    import edgenet.converters.onnx.ops  # noqa: F401  (registers importers and exporters)
    from edgenet.converters.onnx import registry

    assert (registry.find_exporter(name) is not None) != bool(registry.why_no_form(name))
