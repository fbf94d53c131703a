"""LeRobot's DiffusionPolicy with a small multi-layer perceptron in place of the U-Net.

On a CPU a U-Net over four steps of time costs several times as much and denoises no better. The policy is
registered with LeRobot as ``diffusion_mlp``: it saves, loads and is made by LeRobot's own functions, once
this module is imported.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from lerobot.configs.policies import PreTrainedConfig
from lerobot.policies.diffusion.configuration_diffusion import DiffusionConfig
from lerobot.policies.diffusion.modeling_diffusion import DiffusionPolicy, DiffusionSinusoidalPosEmb
from torch import Tensor, nn


@PreTrainedConfig.register_subclass("diffusion_mlp")
@dataclass
class MlpDiffusionConfig(DiffusionConfig):
    """As DiffusionConfig; the U-Net's fields say nothing here.

    Attributes:
        hidden_dims: widths of the hidden layers.
    """

    down_dims: tuple[int, ...] = (8,)
    n_groups: int = 8
    hidden_dims: tuple[int, ...] = (256, 256, 256)


class MlpDenoiser(nn.Module):
    """Predicts the noise in a chunk from the chunk, the time of diffusion and the observation.

    Args:
        chunk: H * A.
        conditions: length of the observation's vector.
        time: length of the embedding of time.
        hidden: widths of the hidden layers.
    """

    def __init__(self, chunk: int, conditions: int, time: int, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.time = DiffusionSinusoidalPosEmb(time)
        layers: list[nn.Module] = []
        width = chunk + conditions + time
        for next_width in hidden:
            layers += [nn.Linear(width, next_width), nn.Mish()]
            width = next_width
        self.layers = nn.Sequential(*layers, nn.Linear(width, chunk))

    def forward(self, x: Tensor, timestep: Tensor, global_cond: Tensor) -> Tensor:
        """x [B, H, A], timestep [B], global_cond [B, C] -> noise [B, H, A]."""
        together = torch.cat([x.flatten(1), self.time(timestep), global_cond], dim=1)
        return self.layers(together).reshape(x.shape)


class MlpDiffusionPolicy(DiffusionPolicy):
    """LeRobot's policy with the perceptron."""

    config_class = MlpDiffusionConfig
    name = "diffusion_mlp"

    def __init__(self, config: MlpDiffusionConfig, **kwargs) -> None:
        super().__init__(config, **kwargs)
        action, state, environment = (
            feature.shape[0] if feature else 0
            for feature in (config.action_feature, config.robot_state_feature, config.env_state_feature)
        )
        self.diffusion.unet = MlpDenoiser(
            config.horizon * action,
            config.n_obs_steps * (state + environment),
            config.diffusion_step_embed_dim,
            tuple(config.hidden_dims),
        )
