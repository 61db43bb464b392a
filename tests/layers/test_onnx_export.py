"""Every layer as ONNX: onnxruntime agrees at batch 1, 2 and 7; what belongs to training leaves nothing."""

import pytest
from layers import every
from layers.run import randomise

from edgenet import Input, Model, layers

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
pytestmark = pytest.mark.onnxruntime

KINDS = sorted(every.public(), key=lambda c: c.__name__)
ROW, SEQUENCE = (6,), (9, 4)


def agree(model, what=""):
    from edgenet.converters.onnx import write
    from edgenet.converters.onnx.verify import verify

    randomise(model, 1)
    graph = model.graph()
    assert {d.batch for d in verify(write(graph), graph, batches=(1, 2, 7))} == {1, 2, 7}, what


def connected(layer, example, **call):
    """A model of the layer alone; words come from real numbers, as the judge feeds no others."""
    inputs = [Input(s) for s in example.shapes]
    given = inputs
    if example.words:
        given = [layers.Rescaling(example.words - 0.01)(layers.Activation("sigmoid")(x)) for x in inputs]
    return Model(inputs, layer(given if len(given) > 1 else given[0], **call))


@pytest.mark.parametrize("kind", [c for c in KINDS if c not in every.DRAWN], ids=lambda c: c.__name__)
def test_onnxruntime_agrees(kind):
    for arguments, example in every.cases(kind):
        agree(connected(kind(**arguments), example), f"{kind.__name__}({arguments})")


@pytest.mark.parametrize("kind", [c for c in KINDS if c in every.DRAWN], ids=lambda c: c.__name__)
def test_what_belongs_to_training_leaves_nothing(kind):
    for arguments, example in every.cases(kind):
        assert connected(kind(**arguments), example).graph().nodes == []


@pytest.mark.parametrize("kind", [*(c for c in KINDS if c in every.DRAWN), layers.BatchNormalization])
def test_what_was_called_for_training_is_refused_by_name(kind):
    from edgenet.converters.onnx import UnsupportedModelError, write

    for arguments, example in every.cases(kind):
        if not arguments.get("trainable", True):
            continue  # works as in inference
        model = connected(kind(**arguments, name="mine"), example, training=True)
        with pytest.raises(UnsupportedModelError, match=r"layer 'mine'"):
            write(model.graph())


def test_a_model_as_a_layer_and_a_layer_called_twice():
    inner = Input(ROW)
    block = Model(inner, layers.Dense(6, "silu")(inner))
    a, b = Input(ROW), Input(ROW)
    agree(Model([a, b], layers.Subtract()([block(block(a)), block(b)])))
