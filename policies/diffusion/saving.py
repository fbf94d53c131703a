"""LeRobot policies to and from folders, with the ONNX file beside them."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import Any

import torch
from lerobot.configs.policies import PreTrainedConfig
from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy
from lerobot.policies.factory import make_pre_post_processors
from torch import Tensor, nn

from pilotfish.policies.diffusion.denoiser import MlpDiffusionConfig, MlpDiffusionPolicy


def load_policy(folder: Path) -> DiffusionPolicy:
    """A saved policy of LeRobot, U-Net or perceptron. Raises FileNotFoundError where the folder has none."""
    config = PreTrainedConfig.from_pretrained(folder)
    kind = MlpDiffusionPolicy if isinstance(config, MlpDiffusionConfig) else DiffusionPolicy
    return kind.from_pretrained(folder, config=config).eval()


def save_policy(policy: DiffusionPolicy, statistics: dict[str, dict[str, Any]], folder: Path) -> None:
    """Write LeRobot's files of a policy and of its two processors, and the denoiser as ONNX."""
    from lerobot.policies.diffusion.processor_diffusion import make_diffusion_pre_post_processors

    folder.mkdir(parents=True, exist_ok=True)
    policy.save_pretrained(folder)
    for processor in make_diffusion_pre_post_processors(policy.config, statistics):
        processor.save_pretrained(folder)
    export_denoiser(policy, folder / "model.onnx")


def load_processors(policy: DiffusionPolicy, folder: Path) -> tuple[Any, Any]:
    """The saved pre- and post-processor of a policy, by LeRobot's own function."""
    return make_pre_post_processors(policy.config, pretrained_path=str(folder))


def export_denoiser(policy: DiffusionPolicy, path: Path) -> None:
    """Write the denoiser alone: inputs x [B, H, A], timestep int64 [B], global_cond [B, C]; any B."""
    config = policy.config
    width = config.robot_state_feature.shape[0]
    if config.env_state_feature:
        width += config.env_state_feature.shape[0]
    example = (
        torch.zeros(2, config.horizon, config.action_feature.shape[0]),
        torch.zeros(2, dtype=torch.long),
        torch.zeros(2, width * config.n_obs_steps),
    )
    denoiser = copy.deepcopy(policy.diffusion.unet).eval()
    _replace_mish(denoiser)
    names = ["x", "timestep", "global_cond"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            denoiser,
            example,
            str(path),
            input_names=names,
            output_names=["noise"],
            dynamic_axes={name: {0: "batch"} for name in (*names, "noise")},
            dynamo=False,
        )


class _Mish(nn.Module):
    """Mish, x tanh(softplus(x)), with one exponential and no logarithm, which ONNX Runtime computes so slowly
    that it was most of the time of a denoising step."""

    def forward(self, x: Tensor) -> Tensor:
        grown = torch.exp(torch.clamp(x, max=20.0))
        above = grown * (grown + 2)
        return x * (above / (above + 2))


def _replace_mish(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.Mish):
            setattr(module, name, _Mish())
        else:
            _replace_mish(child)
