"""Map file formats, one module each: ``read(path)``, ``write(...)`` and ``looks_like(path)``."""
