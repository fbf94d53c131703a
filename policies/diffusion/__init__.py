"""Diffusion policies of LeRobot, trained on demonstrations of mixed quality: what DSRL and V-GPS improve."""
