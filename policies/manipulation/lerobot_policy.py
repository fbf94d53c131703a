"""Any policy that LeRobot has saved, as a `ChunkPolicy`: ACT, diffusion, VQ-BeT, SmolVLA ...

The folder is what LeRobot's ``save_pretrained`` writes: ``config.json``, ``model.safetensors`` and the two
processors, which normalise; the configuration says which policy it is. Nothing is downloaded.

Policies that look back (``n_obs_steps`` > 1) want the observations of the last control steps, not those of
the last chunks, so whoever runs one at a control rate calls ``observe`` with what is seen at every step, and
``act`` with the same mapping at the steps that ask for a chunk. Without ``observe`` the observation given to
``act`` stands for its past too, as LeRobot has it in the first step of an episode.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pilotfish.policies.manipulation.chunks import Observations

STEPS_KEPT = 64
"""Observed steps that a chunk's request may lie back."""
ONLY_READ = ("diffusion", "vqbet", "tdmpc")
"""Types (and what derives from them) whose ``predict_action_chunk`` reads queues that only ``select_action``
fills; the others fill their own."""


class LeRobotPolicy:
    """A policy saved by LeRobot.

    Args:
        folder: where it is saved.
        task: the task in words, for policies that read.
        steps: actions of a chunk to use; None: the configuration's ``n_action_steps``, and with temporal
            ensembling, which is left to whoever plays the chunks, all.
        device: such as ``cuda``; None: the configuration's, if there is one.

    Attributes:
        name: the policy's type.
        chunk_shape: (n, A).
        features: what it observes: name -> shape; (C, H, W) for images.
        observation_steps: how many observations it looks back at; with 1, ``observe`` changes nothing.
    """

    def __init__(
        self, folder: str | Path, task: str = "", steps: int | None = None, device: str | None = None
    ) -> None:
        folder = Path(folder)
        for file in ("config.json", "model.safetensors", "policy_preprocessor.json"):
            if not (folder / file).is_file():
                raise FileNotFoundError(
                    f"{folder} is no policy of LeRobot: {file} is missing (its save_pretrained writes it)"
                )
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        import torch
        from lerobot.configs.policies import PreTrainedConfig
        from lerobot.policies.factory import get_policy_class, make_pre_post_processors
        from lerobot.utils.import_utils import register_third_party_plugins

        import pilotfish.policies.diffusion.denoiser  # noqa: F401  registers its type with LeRobot

        register_third_party_plugins()
        self._torch = torch
        config: Any = PreTrainedConfig.from_pretrained(folder)
        if device is not None:
            config.device = device
        if hasattr(config, "pretrained_backbone_weights"):
            config.pretrained_backbone_weights = None  # the checkpoint holds them
        self.config, self.name, self.task = config, str(config.type), task
        self._policy: Any = get_policy_class(self.name).from_pretrained(folder, config=config)
        on_device = {"device_processor": {"device": config.device}}
        kinds = {getattr(base, "name", None) for base in type(self._policy).__mro__}
        self._only_reads = not kinds.isdisjoint(ONLY_READ)
        self._before, self._after = make_pre_post_processors(
            config, pretrained_path=str(folder), preprocessor_overrides=on_device
        )
        self.features = {name: tuple(f.shape) for name, f in config.input_features.items()}
        self._images = set(config.image_features)
        self.chunk_shape = (self._length(steps), int(config.action_feature.shape[0]))
        self.observation_steps = int(config.n_obs_steps)
        self._history: deque[Observations] = deque(maxlen=STEPS_KEPT + self.observation_steps)
        self._lock = threading.Lock()
        self._random = torch.Generator().manual_seed(0).get_state()
        self.reset(0)

    def _length(self, steps: int | None) -> int:
        config = self.config
        names = ("action_chunk_size", "n_action_steps", "chunk_size", "horizon")
        usual = next((int(getattr(config, name)) for name in names if hasattr(config, name)), 1)
        longest = int(getattr(config, "chunk_size", usual))
        if getattr(config, "temporal_ensemble_coeff", None) is not None:
            usual = longest
        if steps is not None and not 1 <= steps <= longest:
            raise ValueError(f"steps {steps}: this {self.name} policy gives chunks of 1 to {longest}")
        return usual if steps is None else steps

    def reset(self, seed: int) -> None:
        """Start anew: nothing was seen, and every random draw afterwards follows from the seed."""
        with self._lock:
            self._history.clear()
        self._random = self._torch.Generator().manual_seed(seed).get_state()
        self._policy.reset()

    def observe(self, observations: Observations) -> None:
        """What is seen at a control step, [B, ...]. May be called while another thread is in ``act``."""
        with self._lock:
            self._history.append(observations)

    def act(self, observations: Observations) -> NDArray[np.float32]:
        """Observations [B, ...] -> chunks float32 [B, n, A].

        Images are uint8 [B, H, W, C], or float32 in [0, 1] of the same shape.

        Raises:
            ValueError: a feature is missing or has another shape than the policy was trained with.
        """
        torch = self._torch
        seen = [self._prepare(past) for past in self._past(observations)]
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._random)
            actions = self._predict([self._before(batch) for batch in seen])
            self._random = torch.get_rng_state()
            # One row an action: processors of actions know [B, A] only.
            actions = actions[:, : self.chunk_shape[0]]
            rows = self._after(actions.reshape(-1, actions.shape[-1]))
        return rows.reshape(actions.shape).float().cpu().numpy()

    def _past(self, observations: Observations) -> list[Observations]:
        """The last ``n_obs_steps`` observations, this one the last; fewer where there were fewer."""
        with self._lock:
            history = list(self._history)
        ends = [k for k, past in enumerate(history) if past is observations]
        history = history[: ends[-1]] if ends else []
        size = len(next(iter(observations.values())))
        history = [past for past in history if len(next(iter(past.values()))) == size]
        return [*history[max(len(history) - self.observation_steps + 1, 0) :], observations]

    def _prepare(self, observations: Observations) -> dict[str, Any]:
        """Tensors as LeRobot's processors take them."""
        batch: dict[str, Any] = {}
        for name, shape in self.features.items():
            if name not in observations:
                raise ValueError(f"the policy observes {name}, which is not among {', '.join(observations)}")
            values = np.asarray(observations[name])
            if name in self._images:
                values = np.moveaxis(values, -1, 1)
            if values.shape[1:] != shape:
                raise ValueError(f"{name} has shape {values.shape[1:]}, the policy takes {shape}")
            tensor = self._torch.from_numpy(np.ascontiguousarray(values))
            batch[name] = tensor.float() / 255 if values.dtype == np.uint8 else tensor.float()
        batch["task"] = [self.task] * len(values)
        return batch

    def _predict(self, seen: list[dict[str, Any]]) -> Any:
        """Normalised chunks [B, n or more, A] from processed batches, the newest last."""
        policy = self._policy
        queues = getattr(policy, "_queues", None)
        batches = [self._stacked(batch, queues or ()) for batch in seen]
        if queues is not None:
            from lerobot.policies.utils import populate_queues

            for queue in queues.values():
                queue.clear()
            for batch in batches if self._only_reads else batches[:-1]:
                populate_queues(queues, batch, exclude_keys=["action"])
        actions = policy.predict_action_chunk(batches[-1])
        return actions.transpose(0, 1) if self.name == "tdmpc" else actions

    def _stacked(self, batch: Mapping[str, Any], queues: Mapping[str, Any] | tuple[()]) -> dict[str, Any]:
        """With the images under the names that the queues have for them, as ``select_action`` does it."""
        names = list(self.config.image_features)
        stacked = {name: value for name, value in batch.items() if name != "action"}
        if names and self._only_reads:
            if "observation.images" in queues:
                stacked["observation.images"] = self._torch.stack([batch[name] for name in names], dim=-4)
            if "observation.image" in queues:
                stacked["observation.image"] = batch[names[0]]
        return stacked
