"""What stands in an ELF64 object, read by hand."""

import numpy as np


def global_symbols(code):
    """Names of the symbols of an object that others may see or must bring: all but the local ones."""
    u = np.frombuffer
    offset, count = u(code, "<u8", 1, 40)[0], u(code, "<u2", 1, 60)[0]
    sections = [
        u(code, "<u4", 2, offset + 64 * s).tolist() + u(code, "<u8", 4, offset + 64 * s + 16).tolist()
        for s in range(count)
    ]
    links = [u(code, "<u4", 1, offset + 64 * s + 40)[0] for s in range(count)]
    names = set()
    for (_, kind, _, start, size, *_), link in zip(sections, links, strict=True):
        if kind == 2:  # SHT_SYMTAB
            strings = sections[link][3]
            for at in range(start, start + size, 24):
                name, info = u(code, "<u4", 1, at)[0], code[at + 4]
                if info >> 4:  # not local
                    end = code.index(b"\0", strings + name)
                    names.add(code[strings + name : end].decode())
    return names
