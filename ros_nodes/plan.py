"""Plans: which nodes a system consists of, as plain data that any starter can start.

``ros2 launch`` (through ``launch/*.launch.py``), ``pilotfish run`` and the system tests all start the
specs that a system's ``plan(**arguments)`` returns. Nothing here imports ROS.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

SYSTEMS: dict[str, str] = {
    "fleet": "pilotfish.ros_nodes.fleet_plan",
    "explore": "pilotfish.ros_nodes.explore_plan",
    "manipulate": "pilotfish.ros_nodes.manipulate_plan",
}
"""System -> module with ``ARGUMENTS`` and ``plan(**arguments) -> list[NodeSpec]``."""

TRUE_WORDS = ("true", "1", "yes", "on")
FALSE_WORDS = ("false", "0", "no", "off")


@dataclass(frozen=True)
class NodeSpec:
    """One process of a system.

    Attributes:
        executable: console script of ``package``, and its module's name under ``ros_nodes``; with
            ``program``, an executable that ROS has installed, such as RViz.
        name: name of the node; unique within a plan's namespace.
        namespace: namespace of the node, "" for the root.
        parameters: parameter -> value; they win over the files.
        params_files: parameter YAML files, later ones win.
        remappings: (from, to) names.
        arguments: words of the command line before those of ROS.
        environment: variables added to the process's environment.
        respawn: start it again when it ends.
        required: when it ends, the whole system does.
        program: it is no node of ours.
    """

    executable: str
    name: str
    package: str = "pilotfish"
    namespace: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    params_files: tuple[str, ...] = ()
    remappings: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    respawn: bool = False
    required: bool = False
    program: bool = False


@dataclass(frozen=True)
class PlanArgument:
    """A launch argument; its type is that of ``default``.

    Attributes:
        choices: the values allowed, or () for any.
    """

    name: str
    default: bool | int | float | str
    description: str
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> bool | int | float | str:
        """The value that ``text`` stands for. Raises ValueError naming the argument and the text."""
        if self.choices and text not in self.choices:
            raise ValueError(f"{self.name}:={text}: choose one of {', '.join(self.choices)}")
        if isinstance(self.default, bool):
            if text.lower() in TRUE_WORDS + FALSE_WORDS:
                return text.lower() in TRUE_WORDS
            raise ValueError(f"{self.name}:={text}: write true or false")
        if isinstance(self.default, str):
            return text
        kind, noun = (int, "a whole number") if isinstance(self.default, int) else (float, "a number")
        try:
            value = kind(text)
            if not math.isfinite(value):
                raise ValueError
            return value
        except ValueError:
            raise ValueError(f"{self.name}:={text}: write {noun}, such as {self.default}") from None

    @property
    def default_text(self) -> str:
        """The default as one writes it on a command line."""
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)


def parse_arguments(words: Sequence[str], declared: Sequence[PlanArgument]) -> dict[str, Any]:
    """Values of all declared arguments from ``["name:=value", ...]``.

    Raises:
        ValueError: a word is not ``name:=value``, a name is unknown or given twice, a value is wrong.
    """
    by_name = {argument.name: argument for argument in declared}
    values = {argument.name: argument.default for argument in declared}
    given: set[str] = set()
    for word in words:
        name, separator, text = word.partition(":=")
        if not separator:
            raise ValueError(f"{word!r}: write arguments as name:=value, such as {declared[0].name}:=...")
        if name not in by_name:
            raise ValueError(f"unknown argument {name!r}: there are {', '.join(by_name)}")
        if name in given:
            raise ValueError(f"argument {name!r} is given twice")
        given.add(name)
        values[name] = by_name[name].parse(text)
    return values


def system_module(system: str) -> ModuleType:
    """The module that plans a system. Raises ValueError with the names there are."""
    if system not in SYSTEMS:
        raise ValueError(f"unknown system {system!r}: there are {', '.join(SYSTEMS)}")
    return import_module(SYSTEMS[system])


def plan_system(system: str, words: Sequence[str] = ()) -> list[NodeSpec]:
    """The nodes of a system, from arguments as they are written on a command line."""
    module = system_module(system)
    return module.plan(**parse_arguments(words, module.ARGUMENTS))


def check_run(record: str, seed: int) -> None:
    """Refuse what would only fail in the nodes, of the arguments that all systems have.

    Raises:
        ValueError: the seed is negative, or ``record`` exists.
    """
    if seed < 0:
        raise ValueError(f"seed:={seed}: write 0 or more")
    if record:
        require_free(Path(record))


def require_free(recording: Path) -> None:
    """Raise ValueError where a recording would be written over something."""
    if recording.exists():
        raise ValueError(f"recording {recording} exists already: name another path, or remove it")


def share_file(relative: str) -> Path:
    """A file of the package's share folder, by its path in the repository (``launch/params/fleet.yaml``).

    A checkout (also an editable or a symlink installation) answers with its own file, an installation
    with the copy under ``share/pilotfish``.

    Raises:
        FileNotFoundError: it is in none of these places.
    """
    checkout = Path(__file__).resolve().parents[1]
    # share/pilotfish lies in the same prefix as this file: lib/pythonX.Y/site-packages/pilotfish/ros_nodes.
    prefixes = [Path(sys.prefix), *Path(__file__).resolve().parents[3:]]
    places = [checkout, *(prefix / "share" / "pilotfish" for prefix in prefixes)]
    for place in places:
        if (place / relative).is_file():
            return place / relative
    raise FileNotFoundError(f"{relative} is neither in {checkout} nor under share/pilotfish of {sys.prefix}")
