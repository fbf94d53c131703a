"""Sub-commands that are imported when they are called, so that ``pilotfish --help`` answers at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

ROOT_OPTIONS = ("install_completion", "show_completion")
"""Options that Typer gives every app, and that make sense for the whole command only."""


class LazyCommand(TyperCommand):
    """Stands in the list of commands for a Typer app that is imported when it is called.

    Args:
        name: the word on the command line.
        target: ``"module:attribute"`` of a ``typer.Typer``.
        help: the line that ``--help`` of the group shows.
    """

    def __init__(self, name: str, target: str, help: str) -> None:
        super().__init__(name=name, help=help)
        self.target = target

    def load(self) -> Any:
        """The real command. Raises ImportError where a dependency of it is not installed."""
        module, attribute = self.target.split(":")
        command = typer.main.get_command(getattr(import_module(module), attribute))
        command.params = [parameter for parameter in command.params if parameter.name not in ROOT_OPTIONS]
        return command

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Parse the arguments as the real command does; the context returned belongs to that command."""
        return self.load().make_context(*args, **kwargs)


def lazy_group(commands: dict[str, tuple[str, str]]) -> type[TyperGroup]:
    """A group class for ``typer.Typer(cls=...)`` holding ``name -> (target, help)`` as lazy commands."""

    class LazyGroup(TyperGroup):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            for name, (target, help_line) in commands.items():
                self.add_command(LazyCommand(name, target, help_line))

    return LazyGroup
