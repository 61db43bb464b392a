"""Read all of an HDF5 file that comes as standard input: a script which a process of its own runs (see `hdf5`).

It ends with 0, also where the file is none, as the one who asks will see that for himself; any other end means that the
HDF5 library did not survive the file.  Its arguments are the folders of Python's packages.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any


def see(held: Any) -> None:
    """Read the attributes and the numbers of a group or an array; what is more than the file is left alone."""
    for name in held.attrs:
        with contextlib.suppress(Exception):
            held.attrs[name]
    if hasattr(held, "shape"):
        if held.nbytes <= 200 * held.id.get_storage_size():
            held[()]
        return
    for name in held:
        with contextlib.suppress(Exception):
            held.get(name, getlink=True)


def main() -> None:
    """Read standard input."""
    sys.path[:] = sys.argv[1:]
    import h5py

    def visit(_: str, held: Any) -> None:
        with contextlib.suppress(Exception):
            see(held)

    with open(0, "rb", closefd=False) as given:
        given.seek(0)
        with h5py.File(given, "r") as file:
            visit("", file)
            file.visititems(visit)


if __name__ == "__main__":
    with contextlib.suppress(Exception):
        main()
