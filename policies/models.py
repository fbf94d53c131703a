"""Finds the trained models that ship with the package: ``policies/SYSTEM/models/NAME/``.

A model is a folder with ``config.json``, its weights (``model.safetensors``, ``model.onnx``) and its card
``README.md``.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLICIES = Path(__file__).resolve().parent


@dataclass(frozen=True)
class ModelFolder:
    """One trained model on disk.

    Attributes:
        system: folder under ``policies`` it belongs to, such as "follower".
        name: its own name, unique within the system.
        path: the folder.
    """

    system: str
    name: str
    path: Path

    @property
    def full_name(self) -> str:
        """``system/name``."""
        return f"{self.system}/{self.name}"

    @property
    def config(self) -> dict[str, Any]:
        """``config.json``. Raises ValueError where it is no JSON object."""
        return read_config(self.path)

    @property
    def card(self) -> str:
        """``README.md``, or "" where the model has none."""
        path = self.path / "README.md"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.path.iterdir() if path.is_file())


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A place to write a model folder, which takes the place of ``folder`` when all of it is there.

    What the folder held and is not written anew (such as its card) stays.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part, old = (folder.with_name(f".{folder.name}.{word}") for word in ("part", "old"))
    for left in (part, old):
        shutil.rmtree(left, ignore_errors=True)
    if folder.exists():
        shutil.copytree(folder, part)
    else:
        part.mkdir()
    try:
        yield part
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    finally:
        for left in (part, old):
            shutil.rmtree(left, ignore_errors=True)


def read_config(folder: Path) -> dict[str, Any]:
    """``config.json`` of a model folder. Raises FileNotFoundError, ValueError where it is no JSON object."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{error.lineno}:{error.colno}: {error.msg}") from None
    if not isinstance(config, dict):
        raise ValueError(f"{path}: expected an object, found {type(config).__name__}")
    return config


def config_values(folder: Path, kind: type) -> dict[str, Any]:
    """What ``config.json`` gives for the fields of a configuration dataclass.

    Raises:
        FileNotFoundError, ValueError: as ``read_config``, or a key that ``kind`` does not have.
    """
    raw = read_config(folder)
    raw.pop("policy", None)
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := set(raw) - known:
        raise ValueError(f"{folder}/config.json: unknown {sorted(unknown)}, known are {sorted(known)}")
    return raw


def shipped_models(root: Path = POLICIES) -> list[ModelFolder]:
    """All models under ``root``, by system and name."""
    found = (path.parent for path in root.glob("*/models/*/config.json"))
    return [ModelFolder(path.parents[1].name, path.name, path) for path in sorted(found)]


def find_model(name: str, root: Path = POLICIES) -> ModelFolder:
    """A shipped model by ``name`` or ``system/name``, or the model folder at that path.

    Raises:
        ValueError: no model, or several of different systems, answer to the name.
    """
    models = shipped_models(root)
    matches = [model for model in models if name in (model.name, model.full_name)]
    if len(matches) == 1:
        return matches[0]
    if len(matches) > 1:
        raise ValueError(f"{name!r} is ambiguous: say {' or '.join(model.full_name for model in matches)}")
    path = Path(name)
    if (path / "config.json").is_file():
        return ModelFolder("", path.resolve().name, path)
    known = ", ".join(model.full_name for model in models) or "none"
    raise ValueError(f"no model {name!r}: neither a folder with config.json nor a shipped one ({known})")
