"""The learned explorer: the planner's options on promising frontiers, and a graph network that chooses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pilotfish.policies.exploration.belief import TeamBelief
from pilotfish.policies.exploration.blocks import BLOCK
from pilotfish.policies.exploration.explorer import STAY
from pilotfish.policies.exploration.situation import Situation
from pilotfish.policies.ir2.config import IR2Config
from pilotfish.policies.ir2.features import MOST_OPTIONS, Features, make_features
from pilotfish.policies.ir2.options import EXPLORE, Options
from pilotfish.policies.ir2.planned import same_target
from pilotfish.policies.ir2.prospects import Foresight, OnnxProspects, Views
from pilotfish.policies.ir2.territory import TerritoryPolicy
from pilotfish.policies.models import find_model
from pilotfish.policies.network import onnx_session


class OnnxIR2Network:
    """The network by ONNX Runtime: a decision in, logits out; no torch.

    Raises:
        FileNotFoundError, ValueError: as ``onnx_session``.
    """

    def __init__(self, path: Path) -> None:
        self._session: onnxruntime.InferenceSession = onnx_session(path)
        self._inputs = [node.name for node in self._session.get_inputs()]

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Logits float32 [M]."""
        return self._session.run(None, {name: getattr(features, name) for name in self._inputs})[0]


class IR2Policy(TerritoryPolicy):
    """The planner on promising frontiers, as one trained network judges them; another may choose.

    Args:
        config: as saved with the weights.
        network: a decision -> logits float32 [M]; None where ``config.pointer`` is off.
        folder: where the weights came from, for ``save_pretrained``.
        prospects: views of frontiers -> unseen free pixels expected behind each; None looks behind all.
    """

    def __init__(
        self,
        config: IR2Config,
        network: Callable[[Features], NDArray[np.float32]] | None = None,
        name: str = "ir2",
        folder: Path | None = None,
        prospects: Callable[[Views], NDArray[np.float32]] | None = None,
    ) -> None:
        super().__init__(name, config.keep, config.apart, config.border)
        if config.pointer and network is None:
            raise ValueError("a policy whose pointer is on needs a network")
        self.config = config
        self.network = network if config.pointer else None
        self.prospects = prospects
        self._folder = folder

    @classmethod
    def from_pretrained(
        cls, name: str | Path, backend: Literal["onnx", "torch"] = "onnx", **overrides: Any
    ) -> IR2Policy:
        """Load a model folder, or a shipped model by name.

        Args:
            overrides: of the saved configuration, such as ``temperature=1.0``.

        Raises:
            ValueError: no such model, or one that does not fit this version.
            FileNotFoundError: the folder lacks its weights.
        """
        folder = find_model(str(name)).path
        config = dataclasses.replace(IR2Config.load(folder), **overrides)
        network: Callable | None = None
        if backend == "onnx":
            if config.pointer:
                network = OnnxIR2Network(folder / "model.onnx")
            prospects: Callable = OnnxProspects(folder / "prospects.onnx")
        elif backend == "torch":
            from pilotfish.policies.ir2.network import TorchIR2Network, TorchProspects

            network = TorchIR2Network(folder, config)
            prospects = TorchProspects(network.network.prospects)
        else:
            raise ValueError(f"backend {backend!r} is not 'onnx' or 'torch'")
        return cls(config, network, folder.name, folder, prospects)

    def save_pretrained(self, folder: str | Path) -> None:
        """Copy weights and configuration into another folder.

        Raises:
            ValueError: this policy was not loaded from a folder.
        """
        if self._folder is None:
            raise ValueError("this policy has no saved weights: export its checkpoint with pilotfish models")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("model.safetensors", "model.onnx", "prospects.onnx"):
            (folder / file).write_bytes((self._folder / file).read_bytes())
        self.config.save(folder)

    def reset(self, belief: TeamBelief, seed: int, clearance: int = 0) -> None:
        """Start an episode on a robot's belief."""
        super().reset(belief, seed, clearance)
        self._foresight = None if self.prospects is None else Foresight(self.prospects)
        self._expected: NDArray[np.float32] = np.empty(0, np.float32)
        self._visits = np.zeros(belief.known.shape, np.uint16)
        self._age = 0
        self._linked = belief.connected.copy()

    def promising(self, situation: Situation) -> NDArray[np.bool_]:
        """bool [C] all frontiers but the poorest, which are spared while they together hide little.

        The longer there was no news, the less is spared: what the network has misjudged is found in the end.
        """
        promising = super().promising(situation)
        self._expected = np.zeros(len(promising), np.float32)
        if self._foresight is not None and len(promising):
            self._expected = self._foresight(situation)
            order = np.argsort(self._expected, kind="stable")
            trust = max(0.0, 1.0 - self._quiet / self.config.doubt)
            budget = trust * self.config.spare * situation.belief.free_pixels
            promising[order[np.cumsum(self._expected[order]) < budget]] = False
        return promising

    def choose(self, situation: Situation) -> int:
        """The block of the option that the network likes best, or STAY."""
        options = self.options(situation)
        if self.network is None:
            return int(options.block[options.best])
        kept = self._kept(situation, options)
        if kept >= 0:
            return int(options.block[kept])
        options, features = self.look(situation, options)
        if len(options) == 1:
            return int(options.block[0])
        scores: NDArray[np.floating] = self.network(features)
        if self.config.temperature > 0:
            scores = scores / self.config.temperature + self.rng.gumbel(size=len(scores))
        return int(options.block[int(np.argmax(scores))])

    def look(self, situation: Situation, options: Options) -> tuple[Options, Features]:
        """What the network is shown: at most MOST_OPTIONS options, and the features; counts the visit.

        The options must be those of this situation: what their frontiers hide was asked then.
        """
        belief = self.belief
        if len(options) > MOST_OPTIONS:
            options = options.subset(np.sort(np.argsort(options.cost, kind="stable")[:MOST_OPTIONS]))
        row, column = np.rint(belief.position[belief.me]).astype(int) // BLOCK
        self._visits[row, column] += 1
        behind = dict(zip(situation.frontiers.block.tolist(), self._expected.tolist(), strict=True))
        explored = zip(options.block.tolist(), (options.kind == EXPLORE).tolist(), strict=True)
        expected = np.array([behind[block] if there else 0.0 for block, there in explored], np.float32)
        return options, make_features(situation, options, expected, self._visits, belief.target[belief.me])

    def _kept(self, situation: Situation, options: Options) -> int:
        """The option that is still the last target, where it is not yet time to decide anew; else -1."""
        belief = self.belief
        changed = bool((belief.connected != self._linked).any())
        self._linked = belief.connected.copy()
        self._age += 1
        if self._age < self.config.every and not changed and self._chosen != STAY:
            places = situation.navigation.anchors(options.block)
            places[options.block < 0] = np.inf
            kept = same_target(places, belief.target[belief.me])
            if kept >= 0:
                return kept
        self._age = 0
        return -1
