"""The command ``edgenet doctor``, on this machine and on made-up ones."""

from __future__ import annotations

import pytest

import edgenet.cli
from edgenet.cli import doctor
from edgenet.kernels import cache, machine


@pytest.fixture
def system(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "ROOT", tmp_path)
    monkeypatch.delenv("EDGENET_TARGET", raising=False)
    monkeypatch.delenv("EDGENET_NUM_THREADS", raising=False)

    def write(files):
        for path, text in files.items():
            (tmp_path / path.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path.lstrip("/")).write_text(text)

    return write


def told(capsys):
    assert edgenet.cli.main(["doctor"]) == 0
    facts, _, problems = capsys.readouterr().out.partition("\n\n")
    return {line[:14].strip(): line[15:] for line in facts.splitlines()}, problems


def test_this_machine(capsys):
    facts, _ = told(capsys)
    assert edgenet.__version__ in facts["edgenet"]
    assert "numba" in facts["packages"]
    assert "registers of" in facts["kernels"]
    assert facts["threads"].startswith(str(edgenet.get_num_threads()))
    assert all(facts.values())


def test_a_machine_that_says_nothing(system, capsys):
    facts, _ = told(capsys)
    assert facts["clock"] == "unknown"
    assert facts["memory"].endswith(" GiB free")  # what the C library tells
    assert "L2 is taken to be" in facts["caches"]


PI = {
    "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
    "/proc/meminfo": "MemTotal:        3884396 kB\nMemAvailable:     102400 kB\n",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000\n",
    "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq": "1500000\n",
    "/sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    "/sys/class/thermal/thermal_zone0/temp": "81250\n",
}


def test_a_board_in_trouble(system, capsys):
    system(PI)
    facts, problems = told(capsys)
    assert facts["processor"].startswith("Raspberry Pi 4 Model B Rev 1.4 (")
    assert facts["memory"] == "3.7 GiB, 0.1 GiB free"
    assert facts["clock"] == (
        "governor powersave, 600 of 1500 MHz, the supply voltage is too low now; it is throttled now; "
        "the supply voltage was too low since the start; it was throttled since the start, 81 °C"
    )
    for sign in ("only 0.10 GiB of memory are free", "lowest rate", "slows itself down", "stronger power supply"):
        assert sign in problems


def test_a_healthy_board(system, capsys):
    board = {
        "/sys/devices/platform/soc/soc:firmware/get_throttled": "0\n",
        "/proc/meminfo": "MemTotal: 4194304 kB\nMemAvailable: 3145728 kB\n",
    }
    system(board)
    facts, problems = told(capsys)
    assert (facts["clock"], facts["memory"]) == ("not throttled", "4.0 GiB, 3.0 GiB free")
    assert problems == "nothing wrong found\n"


@pytest.mark.parametrize(("bits", "dot"), [(1 << 1, False), (1 << 1 | 1 << 20, True)])
def test_the_dot_product_is_asked_of_the_hardware(monkeypatch, bits, dot):
    monkeypatch.setattr(doctor.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(doctor, "_hardware_capabilities", lambda: bits)
    assert ("asimddp (dot product)" in doctor.features()) == dot
    assert "asimd" in doctor.features()


def test_a_wrong_target_and_too_many_threads_are_problems(monkeypatch, capsys):
    monkeypatch.setenv("EDGENET_TARGET", "mmx")
    doctor.target.current.cache_clear()
    monkeypatch.setattr(cache, "folder", lambda: None)
    with edgenet.num_threads(256):
        problems = []
        facts = dict(doctor.facts(problems))
    monkeypatch.undo()
    doctor.target.current.cache_clear()
    text = " ".join(p.what + p.remedy for p in problems)
    assert facts["kernels"] == "unknown"
    assert facts["kernel cache"] == "none"
    for sign in ("'mmx' is unknown", "unset EDGENET_TARGET", "256 threads share", "EDGENET_CACHE_DIR"):
        assert sign in text
