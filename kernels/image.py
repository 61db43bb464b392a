"""Machine code as a flat image that is mapped and called, without LLVM.

`link` lays the sections of an ELF object out one behind the other and fills in the distances between them (its
relocations).  A kernel refers to nothing outside of itself, so the image may be mapped anywhere, provided that it keeps
its place within a page of 4096 bytes: AArch64 addresses by page and offset.  `load` maps it, from the file in the cache
where there is one: the operating system then shares it between processes and keeps instruction caches in step.

::

    file:  checksum (32 bytes) │ offset of entry (8) │ zeros up to 64 │ .text │ .rodata …

Relocations are those of "System V Application Binary Interface, AMD64" (table 4.9) and "ELF for the Arm 64-bit
Architecture" (section 5.7).  On systems without ELF, the object itself is kept, and llvmlite loads it.
"""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import os
import struct
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HEADER = 64
PAGE = 4096

X86_64, AARCH64 = 62, 183
PROGBITS, SYMTAB, RELA, ALLOC = 1, 2, 4, 2

#: what machine code in use lives in
_held: list[Any] = []
# Never freed, not even when Python ends: threads that it does not wait for may still be inside.
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_held))


class _Section(NamedTuple):
    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    align: int
    entry_size: int


def link(code: bytes) -> bytes:
    """The file that keeps an object: a flat image with its checksum, or the object itself where it is not ELF."""
    if code[:4] == b"\x7fELF":
        entry, image = _flat(code)
        body = struct.pack("<q", entry).ljust(HEADER - 32, b"\0") + image
    else:
        body = struct.pack("<q", -1).ljust(HEADER - 32, b"\0") + code
    return hashlib.sha256(body).digest() + body


def valid(file: bytes | mmap.mmap) -> bool:
    """Whether a file made by `link` is complete and unchanged."""
    return len(file) > HEADER and hashlib.sha256(memoryview(file)[32:]).digest() == file[:32]


def load(file: bytes, path: Path | None = None) -> int:
    """Map a file made by `link`, which `path` may hold as well, and return the address of its entry."""
    (entry,) = struct.unpack_from("<q", file, 32)
    if entry < 0:
        return _load_object(file[HEADER:])
    return ((_map(path, file) if path else 0) or _map_copy(file)) + int(entry)


def _map(path: Path, file: bytes) -> int:
    """Map a file that holds these bytes; 0 where it holds others by now, or lies where nothing may be executed."""
    try:
        with open(path, "rb") as f:
            return _mapped(f.fileno(), file)
    except (OSError, ValueError):
        return 0


def _map_copy(file: bytes) -> int:
    """Map bytes that lie in no file of their own."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("edgenet-kernel"), "w+b") as f:
            f.write(file)
            f.flush()
            return _mapped(f.fileno(), file)
    with tempfile.TemporaryFile() as f:
        f.write(file)
        f.flush()
        return _mapped(f.fileno(), file)


def _mapped(descriptor: int, file: bytes) -> int:
    area = mmap.mmap(descriptor, len(file), flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_EXEC)
    array = np.frombuffer(area, np.uint8)
    if array.tobytes() != file:
        return 0
    _held.append(array)
    return int(array.ctypes.data)


def _load_object(code: bytes) -> int:
    """Let llvmlite load an object."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _held.append(engine)
    return int(engine.get_function_address("entry"))


# linking -------------------------------------------------------------------------------------------------------------


def _flat(code: bytes) -> tuple[int, bytes]:
    """The offset of ``entry`` in the file, and what follows the header: the sections, with distances filled in."""
    machine, table, count = struct.unpack_from("<18xH20xQ12xH", code)
    sections = [_Section(*struct.unpack_from("<IIQQQQIIQQ", code, table + 64 * i)) for i in range(count)]
    symbols = next(s for s in sections if s.kind == SYMTAB)
    image, places = bytearray(), dict[int, int]()
    for i in _needed(code, sections, symbols):
        section = sections[i]
        image += bytes(-(HEADER + len(image)) % max(section.align, 1))
        places[i] = HEADER + len(image)
        image += (
            code[section.offset : section.offset + section.size] if section.kind == PROGBITS else bytes(section.size)
        )
    for section in sections:
        if section.kind == RELA and section.info in places:
            for at in range(section.offset, section.offset + section.size, 24):
                offset, info, addend = struct.unpack_from("<QQq", code, at)
                _, value, home = _symbol(code, symbols, info >> 32)
                here = places[section.info] + offset
                _relocate(image, machine, info & 0xFFFFFFFF, here, places[home] + value + addend)
    names = sections[symbols.link]
    for i in range(symbols.size // 24):
        name, value, home = _symbol(code, symbols, i)
        if code[names.offset + name :].startswith(b"entry\0"):
            return places[home] + value, bytes(image)
    raise ValueError("the object has no symbol named entry")


def _symbol(code: bytes, symbols: _Section, i: int) -> tuple[int, int, int]:
    """Name, value and section of a symbol."""
    name, _, home, value = struct.unpack_from("<IHHQ", code, symbols.offset + 24 * i)
    return name, value, home


def _needed(code: bytes, sections: list[_Section], symbols: _Section) -> list[int]:
    """The sections of code, and those that they refer to, directly or not."""
    wanted = [i for i, s in enumerate(sections) if s.kind == PROGBITS and s.flags & 4]  # executable
    for i in wanted:  # grows meanwhile
        for table in sections:
            if table.kind != RELA or table.info != i:
                continue
            for at in range(table.offset, table.offset + table.size, 24):
                _, _, home = _symbol(code, symbols, struct.unpack_from("<Q", code, at + 8)[0] >> 32)
                if not 0 < home < len(sections):
                    raise ValueError("the object refers to something outside of itself")
                if home not in wanted:
                    wanted.append(home)
    return wanted


def _relocate(image: bytearray, machine: int, kind: int, here: int, there: int) -> None:
    """Fill in, at `here`, where `there` is; both are offsets in the file."""
    at = here - HEADER
    word = struct.unpack_from("<I", image, at)[0]
    distance = there - here
    if (machine, kind) in ((X86_64, 2), (X86_64, 4), (AARCH64, 261)):  # PC32, PLT32; PREL32
        struct.pack_into("<i", image, at, distance)
    elif (machine, kind) in ((X86_64, 24), (AARCH64, 260)):  # PC64; PREL64
        struct.pack_into("<q", image, at, distance)
    elif (machine, kind) == (AARCH64, 275):  # ADR_PREL_PG_HI21: adrp
        pages = there // PAGE - here // PAGE
        struct.pack_into("<I", image, at, word | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5)
    elif (machine, kind) == (AARCH64, 274):  # ADR_PREL_LO21: adr
        struct.pack_into("<I", image, at, word | (distance & 3) << 29 | (distance >> 2 & 0x7FFFF) << 5)
    elif machine == AARCH64 and kind in SCALE:  # LO12: add, and loads of 1 to 16 bytes
        struct.pack_into("<I", image, at, word | (there % PAGE >> SCALE[kind]) << 10)
    elif machine == AARCH64 and kind in (282, 283):  # JUMP26, CALL26: b, bl
        struct.pack_into("<I", image, at, word | distance >> 2 & 0x3FFFFFF)
    else:
        raise ValueError(f"relocation {kind} of machine {machine} is not known")


#: AArch64 relocations of the low 12 bits of an address, and what they are divided by, as a power of 2
SCALE = {277: 0, 278: 0, 284: 1, 285: 2, 286: 3, 299: 4}
