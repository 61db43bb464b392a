"""Flat images of machine code, judged by what LLVM's own loader makes of the same object."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys

import llvmlite.binding as llvm
import numpy as np
import pytest

from edgenet.kernels import image
from edgenet.kernels.compiler import ENTRY, In, Out, OutI32, i64, kernel
from edgenet.kernels.translate import Machine, compile_object

TABLE = tuple(float(v) for v in np.random.default_rng(0).standard_normal(37))
ARM = Machine("aarch64-unknown-linux-gnu", "cortex-a72")


@kernel
def constants(x: In, y: Out, n: i64, lo: i64, hi: i64):
    """A table of constants, and constants of several widths: they lie in sections of their own."""
    for i in range(lo, hi):
        y[i] = x[i] * np.float32(1.2345) + np.float32(TABLE[i % 37])


@kernel
def choices(kind: i64, y: OutI32, lo: i64, hi: i64):
    """Many cases: a table of jumps."""
    for i in range(lo, hi):
        k = (kind + i) % 9
        if k == 0:
            y[i] = 17
        elif k == 1:
            y[i] = i * 3
        elif k == 2:
            y[i] = i - 8
        elif k == 3:
            y[i] = i // 3
        elif k == 4:
            y[i] = i * i
        elif k == 5:
            y[i] = -i
        elif k == 6:
            y[i] = i ^ 5
        elif k == 7:
            y[i] = i | 9
        else:
            y[i] = 99


def run(address, k, *values, tasks):
    words = []
    for arg, v in zip(k.args[:-2], values, strict=True):
        word = v.ctypes.data if arg.pointer else int(np.float32(v).view(np.int32)) if arg.dtype == "float32" else v
        words.append(word)
    block = np.array(words, np.int64)
    ENTRY(address)(block.ctypes.data, 0, tasks)


def by_llvm(code):
    """The address of an entry that LLVM's loader made of an object."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine, engine.get_function_address("entry")


@pytest.mark.parametrize("road", ["file", "copy"])
def test_an_image_computes_what_the_object_computes(tmp_path, road):
    rng = np.random.default_rng(1)
    x = rng.standard_normal(1000).astype(np.float32)
    for k in (constants, choices):
        code = compile_object(k)
        file = image.link(code)
        (tmp_path / "k").write_bytes(file)
        address = image.load(file, tmp_path / "k" if road == "file" else None)
        engine, judge = by_llvm(code)
        kind = np.float32 if k is constants else np.int32
        results = [np.zeros(1000, kind), np.zeros(1000, kind)]
        for where, y in zip((address, judge), results, strict=True):
            run(where, k, *((x, y, 1000) if k is constants else (4, y)), tasks=1000)
        assert results[0].tobytes() == results[1].tobytes()
        assert results[0].any()
        del engine


def test_a_file_system_that_forbids_execution_is_no_obstacle(tmp_path, monkeypatch):
    file = image.link(compile_object(constants))
    (tmp_path / "k").write_bytes(file)
    real, refused = mmap.mmap, []

    def forbid(descriptor, size, **options):
        if os.path.samestat(os.fstat(descriptor), os.stat(tmp_path / "k")):
            refused.append(descriptor)
            raise PermissionError("noexec")
        return real(descriptor, size, **options)

    monkeypatch.setattr(image.mmap, "mmap", forbid)
    address = image.load(file, tmp_path / "k")
    assert len(refused) == 1
    x, y = np.ones(37, np.float32), np.zeros(37, np.float32)
    run(address, constants, x, y, 37, tasks=37)
    np.testing.assert_allclose(y, np.float32(1.2345) + np.float32(TABLE), rtol=1e-6)


def test_every_changed_byte_is_noticed():
    file = bytearray(image.link(compile_object(choices)))
    assert image.valid(bytes(file))
    for at in range(0, len(file), 7):
        file[at] ^= 1
        assert not image.valid(bytes(file))
        file[at] ^= 1
    for length in (0, 1, 40, 63, 64, len(file) - 1):
        assert not image.valid(bytes(file[:length]))


def test_an_object_which_needs_others_is_refused():
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    text = f"""target triple = "{llvm.get_process_triple()}"
    declare void @elsewhere()
    define void @entry(i64 %a, i64 %b, i64 %c) {{ call void @elsewhere() ret void }}"""
    machine = llvm.Target.from_default_triple().create_target_machine(reloc="pic", codemodel="default")
    with pytest.raises(ValueError, match="outside of itself"):
        image.link(machine.emit_object(llvm.parse_assembly(text)))


def test_all_relocations_of_other_machines_are_known():
    for k in (constants, choices):
        file = image.link(compile_object(k, ARM))
        assert image.valid(file)


def test_arm_addresses_by_page_and_offset():
    """adrp and add, worked out by hand: place 0x1048 refers to place 0x5A30, and the page of the image is unknown."""
    body = bytearray(0x2000)
    adrp, add, ldr = 0x90000001, 0x91000021, 0x3DC00020  # adrp x1; add x1, x1, #0; ldr q0, [x1]
    for at, word in ((0x1048, adrp), (0x104C, add), (0x1050, ldr)):
        body[at - 64 : at - 60] = word.to_bytes(4, "little")
    for at, kind in ((0x1048, 275), (0x104C, 277), (0x1050, 299)):
        image._relocate(body, image.AARCH64, kind, at, 0x5A30)
    words = [int.from_bytes(body[at - 64 : at - 60], "little") for at in (0x1048, 0x104C, 0x1050)]
    pages = (words[0] >> 5 & 0x7FFFF) << 2 | words[0] >> 29 & 3
    assert pages == 0x5000 - 0x1000 >> 12
    assert words[1] >> 10 & 0xFFF == 0xA30
    assert (words[2] >> 10 & 0xFFF) * 16 == 0xA30


WARM = """
import sys
import numpy as np
import edgenet
from edgenet import layers
model = edgenet.Sequential([edgenet.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="tanh"), layers.MaxPooling2D(),
                            layers.Flatten(), layers.Dense(3, activation="softmax")])
print(np.isfinite(model.predict(np.ones((2, 8, 8, 1), np.float32), verbose=0)).all())
print(*sorted({"numba", "llvmlite"} & set(sys.modules)))
"""


def test_a_warm_start_imports_neither_numba_nor_llvm(tmp_path):
    environment = os.environ | {"EDGENET_CACHE_DIR": str(tmp_path)}
    told = [
        subprocess.run([sys.executable, "-c", WARM], env=environment, capture_output=True, text=True, timeout=300)
        for _ in range(2)
    ]
    assert told[0].stdout.startswith("True"), told[0].stderr
    assert list(tmp_path.glob("gemm*.o")), "the first start compiled its kernels"
    assert told[1].stdout.split() == ["True"], told[1].stderr
