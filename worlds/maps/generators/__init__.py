"""Seeded map families: ``generate("mazes", seed=3, size=65)``; the same seed gives the same map."""

from pilotfish.worlds.maps.generators.registry import GENERATORS, explain_knobs, generate

__all__ = ["GENERATORS", "explain_knobs", "generate"]
