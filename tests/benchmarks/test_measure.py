import math

import numpy as np
import pytest


def contestants(measure, log, *names):
    return [measure.Contestant(n, lambda n=n: log.append(n)) for n in names]


def test_rounds_turn_and_every_contestant_rests_before_its_turn(measure, monkeypatch):
    log = []
    monkeypatch.setattr(measure.time, "sleep", lambda seconds: log.append(("sleep", seconds)))
    a, b = contestants(measure, log, "a", "b")
    measure.measure([a, b], measure.Pace(rounds=3, window_s=1e-9, settle_s=0.5))
    rests = [i for i, entry in enumerate(log) if entry == ("sleep", 0.5)]
    turns = [log[i + 1] for i in rests]
    assert turns == ["a", "b", "b", "a", "a", "b"]
    runs = [log[i + 1 : j] for i, j in zip(rests, [*rests[1:], len(log)], strict=True)]
    assert all(len(r) > measure.WARM_RUNS and len(set(r)) == 1 for r in runs)
    assert len(a.seconds) == len(b.seconds) == 3


def test_time_of_one_run_is_the_window_by_its_repeats(measure, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(measure.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(measure.time, "perf_counter", lambda: now[0])

    def run():
        now[0] += 0.001

    c = measure.Contestant("c", run)
    measure.measure([c], measure.Pace(rounds=2, window_s=0.01))
    assert c.seconds == pytest.approx([0.001, 0.001])


def test_a_ratio_is_the_median_of_the_rounds(measure):
    ours = measure.Contestant("ours", print, [1.0, 10.0, 1.0])
    theirs = measure.Contestant("theirs", print, [2.0, 20.0, 30.0])
    assert measure.ratio(ours, theirs) == 2.0
    assert measure.spread([ours, theirs]) == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("got", "wanted", "expected"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.5], [1.0, 2.0], 0.25),
        ([0.1], [0.0], 0.1),
        ([1.0, math.nan], [1.0, math.nan], 0.0),
        ([1.0, math.nan], [1.0, 2.0], math.inf),
        ([1.0], [1.0, 1.0], math.inf),
        ([], [], 0.0),
    ],
)
def test_difference(measure, got, wanted, expected):
    assert measure.difference(np.array(got), np.array(wanted)) == pytest.approx(expected)


def test_threads_are_checked(measure):
    parser = measure.parser("…")
    assert parser.parse_args(["--threads", "1,4"]).threads == [1, 4]
    with pytest.raises(SystemExit):
        parser.parse_args(["--threads", "0"])
