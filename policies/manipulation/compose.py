"""The arm's policies, put together of trained parts: a base, an actor for its noise, a critic of chunks.

Of each function ``folder`` is a model in place of the shipped one of that kind, and ``base`` a diffusion
policy (name or folder) in place of the task's own.
"""

from __future__ import annotations

from pilotfish.policies.diffusion.policy import TrainedDiffusionPolicy
from pilotfish.policies.dsrl.constant import Probe
from pilotfish.policies.dsrl.policy import ConstantNoise, SampledNoise, SteeredPolicy
from pilotfish.policies.manipulation.chunks import ChunkPolicy
from pilotfish.policies.models import find_model
from pilotfish.policies.vgps.critic import Critic
from pilotfish.policies.vgps.policy import BaseSampler, SteeredSampler, ValueGuided
from pilotfish.worlds.manipulation.task import ENVIRONMENT_STATE, STATE, STATE_NAMES
from pilotfish.worlds.registry import task_class


def base_policy(task: str, folder: str = "") -> TrainedDiffusionPolicy:
    """The diffusion policy of a task, or the one in a folder. Raises ValueError, FileNotFoundError."""
    return TrainedDiffusionPolicy.from_pretrained(folder or f"diffusion/{task}")


def sampled(task: str, folder: str = "", base: str = "") -> ChunkPolicy:
    """Noise from N(0, I) for every chunk."""
    return SampledNoise(base_policy(task, folder or base))


def zero(task: str, folder: str = "", base: str = "") -> ChunkPolicy:
    """Noise held at zero."""
    return ConstantNoise(base_policy(task, folder or base))


def best_constant(task: str, folder: str = "", base: str = "") -> ChunkPolicy:
    """Noise held at the best constant that the search before a training found (its ``probe.json``)."""
    policy = base_policy(task, base)
    probe = Probe.load(find_model(folder or f"dsrl/{task}_sac").path / "probe.json")
    return ConstantNoise(policy, probe.best_noise(policy), "wbest")


def steered(task: str, algorithm: str, folder: str = "", base: str = "") -> SteeredPolicy:
    """Noise from a trained actor: algorithm "sac" or "na"."""
    actor = find_model(folder or f"dsrl/{task}_{algorithm}").path
    return SteeredPolicy.from_pretrained(actor, base_policy(task, base))


def guided(
    task: str,
    source: str = "base",
    select: str = "value",
    folder: str = "",
    base: str = "",
    k: int = 16,
    temperature: float = 0.0,
) -> ChunkPolicy:
    """The best of K chunks by a trained value, of the base policy or ("steered") around the steered one."""
    name = {"base": "vgps", "steered": "dsrl+vgps"}[source]
    sampler = BaseSampler(base_policy(task, base))
    if source == "steered":
        sampler = SteeredSampler(steered(task, "na", base=base))
    if select == "random":
        if folder:
            raise ValueError(f"random_k={folder}: chance needs no model; name another base policy by --base")
        return ValueGuided(sampler, None, k, select="random", name="random_k")
    sentence = task_class(task).SENTENCE
    # Around a steered policy the value must know what steering does: it learned from steering's own replay.
    own = f"vgps/{task}_replay" if source == "steered" else f"vgps/{task}"
    critic = Critic.from_pretrained(folder or own, sentence)
    return ValueGuided(sampler, critic, k, temperature, name=name)


def layout_of(task: str) -> dict[str, int]:
    """Name -> length of a task's observations without images, sorted by name."""
    kind = task_class(task)
    return {ENVIRONMENT_STATE: len(kind.ENVIRONMENT_NAMES), STATE: len(STATE_NAMES)}
