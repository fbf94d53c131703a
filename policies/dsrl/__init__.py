"""DSRL: a frozen diffusion policy is steered through its initial noise by reinforcement learning."""
