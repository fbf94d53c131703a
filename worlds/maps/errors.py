"""The one error that every map loader raises."""

from __future__ import annotations

from pathlib import Path


class MapError(ValueError):
    """A map that cannot be read; the message starts with ``file:line:column``, counted from 1."""

    def __init__(
        self, message: str, file: str | Path, line: int | None = None, column: int | None = None
    ) -> None:
        self._made_of = (message, file, line, column)
        self.file, self.line, self.column = str(file), line, column
        place = ":".join(str(part) for part in (file, line, column) if part is not None)
        super().__init__(f"{place}: {message}")

    def __reduce__(self) -> tuple:
        """So that one raised in a process of a pool arrives as it was."""
        return type(self), self._made_of, self.__dict__
