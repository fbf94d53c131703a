"""The value of a chunk: an ensemble over state, chunk and task; torch to learn, ONNX to act."""

from __future__ import annotations

import dataclasses
import json
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.models import config_values, find_model
from pilotfish.policies.network import onnx_session
from pilotfish.policies.vgps.embedding import embed
from pilotfish.policies.vgps.transitions import widen


@dataclass(frozen=True)
class CriticConfig:
    """What a saved critic needs beside its weights.

    Attributes:
        states: S, length of the flat observation.
        chunk_shape: (n, A) of what is judged.
        horizon: "chunk" or "first".
        sentences: of the tasks that it knows.
        heads, width, layers: of the ensemble.
        method, gamma: it was trained with.
    """

    states: int
    chunk_shape: tuple[int, int]
    horizon: str
    sentences: tuple[str, ...]
    heads: int
    width: int
    layers: int
    method: str
    gamma: float

    @property
    def inputs(self) -> int:
        """Length of what the network is fed."""
        rows = self.chunk_shape[0] if self.horizon == "chunk" else 1
        return self.states + rows * self.chunk_shape[1] + len(self.task_vector(0))

    def task_vector(self, task: int) -> NDArray[np.float32]:
        """One-hot of a task, and its sentence."""
        one_hot = np.eye(len(self.sentences), dtype=np.float32)[task]
        return np.concatenate([one_hot, embed(self.sentences[task])])

    @cached_property
    def _task_vectors(self) -> NDArray[np.float32]:
        return np.stack([self.task_vector(task) for task in range(len(self.sentences))])

    def features(
        self, states: NDArray[np.float32], chunks: NDArray[np.float32], task: int | NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """States [B, S], chunks [B, n, A] and tasks -> float32 [B, inputs], raw."""
        judged = chunks if self.horizon == "chunk" else chunks[:, :1]
        vectors = self._task_vectors
        tasks = np.broadcast_to(vectors[task], (len(states), vectors.shape[1]))
        flat = judged.reshape(len(judged), -1)
        return np.concatenate([states, flat, tasks], axis=1, dtype=np.float32)

    @classmethod
    def load(cls, folder: Path) -> CriticConfig:
        """Read ``config.json``. Raises FileNotFoundError, ValueError."""
        values = config_values(folder, cls)
        try:
            rows, actions = values.pop("chunk_shape")
            return cls(chunk_shape=(rows, actions), sentences=tuple(values.pop("sentences")), **values)
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"{folder}/config.json: {error}") from error

    def save(self, folder: Path) -> None:
        """Write ``config.json``."""
        values = {"policy": "vgps", **dataclasses.asdict(self)}
        (folder / "config.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


class Critic:
    """A saved critic by ONNX Runtime.

    Args:
        folder: of the model.
        sentence: of the task; may be left out where the critic knows only one.

    Raises:
        FileNotFoundError: the folder lacks a file.
        ValueError: a bad configuration, or a task that it was not taught.
    """

    def __init__(self, folder: Path, sentence: str = "", threads: int = 1) -> None:
        self.config = CriticConfig.load(folder)
        known = self.config.sentences
        if (sentence or len(known) > 1) and sentence not in known:
            raise ValueError(f"{folder} knows no task {sentence!r}, only {', '.join(map(repr, known))}")
        self.task = known.index(sentence) if sentence else 0
        self._session = onnx_session(folder / "model.onnx", threads)

    @classmethod
    def from_pretrained(cls, name: str | Path, sentence: str = "") -> Critic:
        """A shipped critic by name, or a folder. Raises as the class, and ValueError for an unknown name."""
        return cls(find_model(str(name)).path, sentence)

    def values(self, states: NDArray[np.float32], chunks: NDArray[np.float32]) -> NDArray[np.float32]:
        """States [B, S] and chunks [B, n, A] -> values of all heads, float32 [heads, B]."""
        given, known = (states.shape[1], *chunks.shape[1:]), (self.config.states, *self.config.chunk_shape)
        # A critic of several tasks was taught with zeros behind the shorter ones.
        several = len(self.config.sentences) > 1
        if given[1] != known[1] or any(
            a > b or (a < b and not several) for a, b in zip(given, known, strict=True)
        ):
            raise ValueError(f"this critic judges states and chunks of sizes {known}, got {given}")
        states, chunks = widen(states, known[0]), widen(chunks, known[2])
        features = self.config.features(states, chunks, self.task)
        return self._session.run(None, {"features": features})[0]

    def __call__(self, states: NDArray[np.float32], chunks: NDArray[np.float32]) -> NDArray[np.float32]:
        """The least of the heads, float32 [B]: what no head believes in is not chosen."""
        return self.values(states, chunks).min(axis=0)


def save_critic(network, config: CriticConfig, folder: Path) -> None:
    """Write the model folder of a ``CriticNetwork``: config.json, model.safetensors, model.onnx."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config.save(folder)
    save_file(network.state_dict(), str(folder / "model.safetensors"))
    (folder / "model.safetensors").chmod(0o644)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(),
            (torch.zeros(2, config.inputs),),
            str(folder / "model.onnx"),
            input_names=["features"],
            output_names=["values"],
            dynamic_axes={"features": {0: "batch"}, "values": {1: "batch"}},
            dynamo=False,
        )
