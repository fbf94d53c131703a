"""Training of noise steering on a task, with SAC or noise aliasing.

    pilotfish train dsrl --config policies/dsrl/curricula/sac.yaml --out runs/dsrl
    tensorboard --logdir runs/dsrl/tensorboard

Before anything is learned, the base policy is measured under each parameterisation of its noise, with w = 0
and with the best constant w (``probe.json``). Logged against environment steps
(``tensorboard/progress-*.csv``): ``dsrl/success_50`` of the last 50 training episodes (noise sampled from the
actor), ``dsrl/evaluation`` of the deterministic actor on fixed starts, ``dsrl/chunks``, ``dsrl/episodes``;
``train/alpha``, ``entropy`` [nat], ``value`` (mean of the critic's answers; -1 is the cost of a chunk) and
losses.
"""

from __future__ import annotations

import io
import os
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as Remaining
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger, make_output_format

from pilotfish.policies.dsrl.config import DSRLConfig
from pilotfish.policies.dsrl.constant import probe, states_of
from pilotfish.policies.dsrl.environment import NoiseEnv
from pilotfish.policies.dsrl.noise_aliasing import DSRLNA, make_na
from pilotfish.policies.dsrl.noise_sac import DSRLSAC, make_sac
from pilotfish.policies.dsrl.parameterisation import Parameterisation
from pilotfish.policies.dsrl.policy import SteeredConfig, SteeredPolicy
from pilotfish.policies.dsrl.replay import ChunkReplayBuffer, ChunkTransitions
from pilotfish.policies.manipulation.chunks import DiffusionPolicy
from pilotfish.policies.manipulation.evaluation import Evaluator
from pilotfish.policies.models import whole_folder
from pilotfish.policies.pace import deadline_after
from pilotfish.worlds.manipulation.seeds import TUNING

CURRICULA = Path(__file__).parent / "curricula"
DEFAULT_CURRICULUM = CURRICULA / "na.yaml"
CHECKPOINT = "checkpoint.pkl"
CHECKPOINT_SECONDS = 120.0
LOG_EVERY = 500
"""Environment steps between rows of the curve."""
RECENT = 50
"""Training episodes that a success rate is taken over."""


def train(
    task_factory: Callable[[], Any],
    policy: DiffusionPolicy,
    settings: DSRLConfig,
    out: Path,
    seed: int = 0,
    steps: int = 50_000,
    resume: bool = False,
    budget_minutes: float | None = None,
    prefill: ChunkTransitions | None = None,
) -> bool:
    """Steer a frozen policy on a task; the run's folder holds everything needed to go on.

    Args:
        task_factory: makes a task; policy: the frozen one.
        settings: with ``resume`` those in ``out`` are used.
        out: run folder: settings.yaml, probe.json, states.npy, checkpoint.pkl, tensorboard/, policy/.
        steps: environment steps of the whole run.
        budget_minutes: stop (and save) after this long; what is measured before training is always finished.
        prefill: transitions to begin with, such as demonstrations; of "na", and of no account once the run
            has a checkpoint.

    Returns:
        whether the run is done.

    Raises:
        ValueError: bad settings, or a folder that holds a run already.
        FileNotFoundError: there is nothing to go on with.
    """
    deadline = deadline_after(budget_minutes)
    copy = out / "settings.yaml"
    if resume and not copy.exists():
        raise FileNotFoundError(f"{out} holds no run to go on with (no settings.yaml)")
    if not resume and (out / CHECKPOINT).exists():
        raise ValueError(f"{out} holds a run already: give another folder, or resume")
    if resume:
        settings = DSRLConfig.load(copy)
    if prefill is not None and settings.algorithm != "na":
        raise ValueError("only noise aliasing (algorithm 'na') can use transitions without noise")
    if prefill is not None and len(prefill.states) > settings.buffer:
        raise ValueError(
            f"{len(prefill.states)} transitions to begin with do not fit into a replay of {settings.buffer}: "
            "raise `buffer` in the settings, or give fewer"
        )
    out.mkdir(parents=True, exist_ok=True)
    if not resume:
        settings.save(copy)
    states = _look_first(task_factory, policy, settings, out, seed)
    run = _Run(task_factory, policy, settings, out, seed, steps, deadline, states)
    if (out / CHECKPOINT).exists():
        run.load()
    elif prefill is not None:
        run.model.replay_buffer.prefill(prefill)
    return run.finish()


def export(run: Path, folder: Path) -> None:
    """Copy the model folder of a run's last checkpoint. Raises FileNotFoundError."""
    if not (run / "policy" / "config.json").is_file():
        raise FileNotFoundError(f"{run} holds no trained policy yet")
    with whole_folder(folder) as part:
        shutil.copytree(run / "policy", part, dirs_exist_ok=True)


def steered(model: DSRLSAC, env: NoiseEnv) -> SteeredPolicy:
    """The deterministic policy of a model as it is now; it shares its weights."""
    shape, sampler = model.policy.shape, env.sampler
    config = SteeredConfig(
        sampler.policy.name,
        sampler.policy.fingerprint,
        sampler.policy.noise_shape,
        sampler.policy.chunk_shape,
        sampler.layout.shapes,
        sampler.parameterisation.name,
        sampler.parameterisation.rank,
        env.bound,
        shape.width,
        shape.layers,
        shape.activation,
        shape.layer_norm,
    )
    return SteeredPolicy.of_network(sampler.policy, model.policy.actor.network, config)


def _look_first(
    task_factory: Callable[[], Any], policy: DiffusionPolicy, settings: DSRLConfig, out: Path, seed: int
) -> NDArray[np.float32]:
    """The states that the networks normalise by; measured once a run."""
    saved = out / "states.npy"
    if saved.exists():
        return np.load(saved)
    if settings.probe_episodes:
        measured, states = probe(task_factory, policy, settings, seed)
        Console().print(measured.table())
        measured.save(out / "probe.json")
    else:
        states = states_of(task_factory, policy, seed=seed)
    part = out / "states.part.npy"
    np.save(part, states)
    os.replace(part, saved)
    return states


class _Run:
    """One run: its environment, its model, its checkpoints."""

    def __init__(
        self,
        task_factory: Callable[[], Any],
        policy: DiffusionPolicy,
        settings: DSRLConfig,
        out: Path,
        seed: int,
        steps: int,
        deadline: float,
        states: NDArray[np.float32],
    ) -> None:
        self.settings, self.out, self.seed, self.steps, self.deadline = settings, out, seed, steps, deadline
        kind = Parameterisation(settings.parameterisation, policy.noise_shape, settings.rank)
        self.env = NoiseEnv(task_factory(), policy, kind, settings.bound, settings.gamma)
        make = make_na if settings.algorithm == "na" else make_sac
        self.model = make(self.env, settings, seed, states)
        self.progress: dict[str, Any] = {"env_steps": 0, "episodes": 0, "seconds": 0.0, "recent": []}
        self.evaluate = Evaluator(task_factory) if settings.evaluate_every else None
        self._logged = 0
        self._started = self._saved = time.monotonic()
        self._seconds_before = 0.0

    def load(self) -> None:
        """Go on from the last checkpoint, with other episodes than those before it."""
        saved = pickle.loads((self.out / CHECKPOINT).read_bytes())
        self.progress = saved["progress"]
        self._logged, self._seconds_before = self.progress["env_steps"], self.progress["seconds"]
        model = type(self.model).load(io.BytesIO(saved["model"]), env=self.env, device="cpu")
        replay: ChunkReplayBuffer = saved["replay"]
        if isinstance(model, DSRLNA):
            model.set_replay_buffer(replay)
        else:
            model.replay_buffer = replay
        draw = np.random.SeedSequence([self.seed, self.progress["env_steps"]]).generate_state(1)[0]
        model.set_random_seed(int(draw) >> 1)
        self.model = model

    def save(self) -> None:
        """Write model, replay and progress in one file, atomically, and the policy beside it."""
        self.progress["seconds"] = self._seconds_before + time.monotonic() - self._started
        model = io.BytesIO()
        self.model.save(model)
        whole = {
            "model": model.getvalue(),
            "replay": self.model.replay_buffer,
            "progress": self.progress,
        }
        temporary = self.out / "checkpoint.part.pkl"
        temporary.write_bytes(pickle.dumps(whole))
        os.replace(temporary, self.out / CHECKPOINT)
        with whole_folder(self.out / "policy") as folder:
            steered(self.model, self.env).save_pretrained(folder)
            if (self.out / "probe.json").exists():
                shutil.copy(self.out / "probe.json", folder / "probe.json")
        self._saved = time.monotonic()

    def finish(self) -> bool:
        """Run the rest; False when time ran out first."""
        folder, suffix = str(self.out / "tensorboard"), f"-{self.progress['env_steps']}"
        formats = [make_output_format(kind, folder, suffix) for kind in ("tensorboard", "csv")]
        self.model.set_logger(Logger(folder, formats))
        before = self.progress["env_steps"]
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, Remaining(), TextColumn("{task.fields[rate]:.0f} steps/s")) as bar:
            shown = bar.add_task(self.settings.algorithm, total=self.steps, completed=before, rate=0.0)

            def on_chunk(info: dict[str, Any], done: bool) -> bool:
                going = self._count(info, done)
                recent = self.progress["recent"]
                rate = f"success {np.mean(recent):.2f}" if recent else ""
                name = f"{self.settings.algorithm} {rate}"
                speed = (self.progress["env_steps"] - before) / (time.monotonic() - self._started)
                bar.update(shown, completed=self.progress["env_steps"], description=name, rate=speed)
                return going

            if not self._over:
                tending = _Chunks(on_chunk, self._tend)
                # None: no logs of SB3's own, which its annotation does not allow
                self.model.learn(10**12, tending, None, reset_num_timesteps=False)  # type: ignore[arg-type]
        self._log()
        self.save()
        return self.progress["env_steps"] >= self.steps

    @property
    def _over(self) -> bool:
        return self.progress["env_steps"] >= self.steps or time.monotonic() >= self.deadline

    def _count(self, info: dict[str, Any], done: bool) -> bool:
        """Count a chunk; False when the run or the time is over."""
        self.progress["env_steps"] += info["executed"]
        if done:
            self.progress["episodes"] += 1
            self.progress["recent"] = [*self.progress["recent"], bool(info["is_success"])][-RECENT:]
        return not self._over

    def _tend(self) -> None:
        """Evaluate, log and save where it is time to."""
        if self.progress["env_steps"] - self._logged >= LOG_EVERY:
            self._log()
        if time.monotonic() - self._saved >= CHECKPOINT_SECONDS:
            self.save()

    def _log(self) -> None:
        now, every = self.progress["env_steps"], self.settings.evaluate_every
        logger = self.model.logger
        if self.evaluate is not None and now // every > self._logged // every:
            starts = range(TUNING.start, TUNING.start + self.settings.evaluate_episodes)
            outcomes = self.evaluate(steered(self.model, self.env), starts)
            logger.record("dsrl/evaluation", float(outcomes.success.mean()))
        if self.progress["recent"]:
            logger.record("dsrl/success_50", float(np.mean(self.progress["recent"])))
        logger.record("dsrl/chunks", self.model.num_timesteps)
        logger.record("dsrl/episodes", self.progress["episodes"])
        logger.record("dsrl/seconds", self._seconds_before + time.monotonic() - self._started)
        logger.record("dsrl/env_steps", now)
        logger.dump(now)
        self._logged = now


class _Chunks(BaseCallback):
    """Tells of each chunk, and once it is stored."""

    def __init__(self, on_chunk: Callable[[dict[str, Any], bool], bool], tend: Callable[[], None]) -> None:
        super().__init__()
        self._on_chunk, self._tend = on_chunk, tend

    def _on_step(self) -> bool:
        return self._on_chunk(self.locals["infos"][0], bool(self.locals["dones"][0]))

    def _on_rollout_end(self) -> None:
        self._tend()
