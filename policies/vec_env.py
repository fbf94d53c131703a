"""Stable-Baselines3 vector environments whose members are rows of arrays, not objects."""

from __future__ import annotations

import pickle
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import gymnasium as gym
import numpy as np
import torch
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

    def call(self, method: str) -> list[Any]:
        """What a method says, in a list: several environments in one (``ParallelVecEnv``) say several."""
        return [getattr(self, method)()]

    def spaces(self) -> tuple[int, gym.Space, gym.Space]:
        """How many rows, and the spaces of observations and actions of each."""
        return self.num_envs, self.observation_space, self.action_space

    def get_attr(self, attr_name: str, indices=None) -> list[Any]:
        return [getattr(self, attr_name, None)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices=None) -> None:
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args, indices=None, **kwargs) -> list[Any]:
        return [getattr(self, method_name)(*args, **kwargs)]

    def env_is_wrapped(self, wrapper_class, indices=None) -> list[bool]:
        return [False] * len(list(self._get_indices(indices)))


class ParallelVecEnv(ArrayVecEnv):
    """Several environments as one, each in a process of its own; their rows lie behind each other.

    SB3's ``SubprocVecEnv`` has one row for each process: a team, whose robots step as one, does not fit it.

    Args:
        makers: make them; called in the processes, so they must pickle.

    Raises:
        ChildProcessError: (from any method) a process has ended.
        Exception: whatever an environment raises.
    """

    def __init__(self, makers: Sequence[Callable[[], ArrayVecEnv]]) -> None:
        context = get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes: list[BaseProcess] = []
        try:
            for maker in makers:
                here, there = context.Pipe()
                process = context.Process(target=_serve, args=(maker, there), daemon=True)
                process.start()
                there.close()  # so that the end of the process is the end of the pipe
                self._pipes.append(here)
                self._processes.append(process)
            counts, observation, action = zip(*self.call("spaces"), strict=True)
        except BaseException:
            self.close()
            raise
        edges = np.cumsum([0, *counts]).tolist()
        self._rows = [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True)]
        super().__init__(edges[-1], observation[0], action[0])

    def call(self, method: str) -> list[Any]:
        """What a method says in each environment."""
        self._ask(method)
        return self._answers()

    def teacher(self) -> NDArray[np.int64]:
        """The actions to imitate for the observations last returned, of environments that have a teacher."""
        return np.concatenate(self.call("teacher"))

    def reset(self) -> NDArray[np.float32]:
        return np.concatenate(self.call("reset"))

    def step_async(self, actions: NDArray[np.integer]) -> None:
        self._ask("step", [actions[rows] for rows in self._rows])

    def step_wait(self):
        seen, rewards, dones, infos = zip(*self._answers(), strict=True)
        flat = [info for part in infos for info in part]
        return np.concatenate(seen), np.concatenate(rewards), np.concatenate(dones), flat

    def close(self) -> None:
        """End the processes."""
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.close()
            process.terminate()  # it may be in a step
            process.join()

    def _ask(self, method: str, *args: Sequence[Any]) -> None:
        for number, pipe in enumerate(self._pipes):
            with _told_if_ended():
                pipe.send((method, [of_all[number] for of_all in args]))

    def _answers(self) -> list[Any]:
        answers, errors = [], []
        for pipe in self._pipes:
            with _told_if_ended():
                answer, error = pipe.recv()
            answers.append(answer)
            errors.append(error)
        for error in errors:
            if error is not None:
                raise error
        return answers


@contextmanager
def _told_if_ended() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError):
        raise ChildProcessError("a process of the training has ended; go on with --resume") from None


def _serve(make: Callable[[], ArrayVecEnv], pipe: Connection) -> None:
    """Do what is asked through a pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the training ends, and closes the pipe
    torch.set_num_threads(1)  # the processes share the cores
    env: ArrayVecEnv | None = None
    with suppress(EOFError, ConnectionError):
        while True:
            method, args = pipe.recv()
            answer, failure = None, None
            try:
                env = env or make()
                answer = getattr(env, method)(*args)
            except Exception as error:
                failure = _sendable(error)
            pipe.send((answer, failure))


def _sendable(error: Exception) -> Exception:
    """The error with its traceback in words, or a RuntimeError that tells of one that cannot be pickled."""
    error.add_note(f"in a process of the training:\n{traceback.format_exc()}")
    try:
        return pickle.loads(pickle.dumps(error))
    except Exception:
        told = RuntimeError(f"{type(error).__name__}: {error}")
        told.add_note(error.__notes__[-1])
        return told
