"""Training of nets in torch: the loop, the optimizer and two-stage training."""
