"""Reading and writing map files safely."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pilotfish.worlds.maps.errors import MapError


def read_text(path: Path) -> str:
    """The text of a file; what cannot be read is a MapError that names it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MapError(f"not a text file (byte {error.start} is not UTF-8)", path) from None
    except OSError as error:
        raise MapError(f"cannot be read: {error.strerror}", path) from None


def read_head(path: Path, characters: int = 4096) -> str:
    """The start of a text file, for telling formats apart; bytes that are no text become U+FFFD."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        return file.read(characters)


def atomic_write(path: Path, data: str | bytes) -> None:
    """Write a whole file or nothing: readers never see half of it, and a kill leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
