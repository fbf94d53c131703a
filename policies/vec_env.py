"""A Stable-Baselines3 vector environment whose members are rows of arrays, not objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv


class ArrayVecEnv(VecEnv):
    """What SB3 asks of a vector environment and what is the same for all that step as one.

    Subclasses implement ``reset`` and ``step_wait``, which finds the actions in ``_actions``.
    """

    def step_async(self, actions: NDArray[np.integer]) -> None:
        self._actions = actions

    def close(self) -> None:
        """Nothing to release."""

    def get_attr(self, attr_name: str, indices=None) -> list[Any]:
        return [getattr(self, attr_name, None)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices=None) -> None:
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args, indices=None, **kwargs) -> list[Any]:
        return [getattr(self, method_name)(*args, **kwargs)]

    def env_is_wrapped(self, wrapper_class, indices=None) -> list[bool]:
        return [False] * len(list(self._get_indices(indices)))
