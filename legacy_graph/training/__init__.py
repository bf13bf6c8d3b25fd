"""Train the network: the session, checkpoints, progress and signals."""
