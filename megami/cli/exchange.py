"""Two folders change names with each other in one step, where the system and the disk can do that."""

from __future__ import annotations

import ctypes
import errno
import os
import sys
from pathlib import Path

LINUX_EXCHANGE = MACOS_SWAP = 2  # RENAME_EXCHANGE of renameat2(2), RENAME_SWAP of renamex_np(2)
FROM_HERE = -100  # AT_FDCWD on Linux: paths are as they are


def exchange(first: Path, second: Path) -> None:
    """Give each of two folders on one disk the name of the other, at one instant.

    Raises OSError, and changes nothing, where that cannot be done: other systems, other disks, a folder inside the
    other, a mount point.
    """
    names = os.fsencode(first), os.fsencode(second)
    try:
        if sys.platform == "linux":
            call = (FROM_HERE, names[0], FROM_HERE, names[1], LINUX_EXCHANGE)
            failed = ctypes.CDLL(None, use_errno=True).renameat2(*call)
        elif sys.platform == "darwin":
            failed = ctypes.CDLL(None, use_errno=True).renamex_np(*names, MACOS_SWAP)
        else:
            raise AttributeError
    except AttributeError:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP)) from None
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(first), None, str(second))
