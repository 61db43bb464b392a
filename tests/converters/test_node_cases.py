"""What onnx says its operators mean: the cases that pass are listed, and the list may only grow."""

import warnings

import node_cases
import numpy as np
import onnx
import pytest
from converters_fuzz import clear

from edgenet.converters.onnx.backend import prepare

VERSION, LISTED = node_cases.listed()


@pytest.fixture(scope="module")
def outcomes():
    """For each case what is wrong with its results, or the error."""
    found = {}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # making the cases is not what is judged
        for case in node_cases.cases():
            try:
                found[case.name] = list(case.differences(prepare))
            except Exception as error:
                found[case.name] = error
    return found


def test_listed_cases_pass(outcomes):
    lost = {name: outcomes[name] for name in LISTED if name in outcomes and outcomes[name] != []}
    assert not lost


def test_the_list_is_of_this_onnx(outcomes):
    """Other versions of onnx have other cases, but most of these."""
    known = [name for name in LISTED if name in outcomes]
    assert len(known) > (len(LISTED) - 1 if onnx.__version__ == VERSION else 0.7 * len(LISTED))
    assert sorted(set(LISTED)) == LISTED


def test_what_passes_is_listed(outcomes):
    if onnx.__version__ != VERSION:
        pytest.skip(f"the list was made with onnx {VERSION}, this is {onnx.__version__}")
    new = sorted({name for name, outcome in outcomes.items() if outcome == []} - set(LISTED))
    assert not new, "run `python tests/node_cases.py`, which adds these to the list"


def test_all_others_are_refused_clearly(outcomes):
    accidents = {n: repr(e)[:300] for n, e in outcomes.items() if isinstance(e, Exception) and not clear(e)}
    assert not accidents


def test_light_networks_pass():
    assert sum(name.startswith("light_") for name in LISTED) == 9
