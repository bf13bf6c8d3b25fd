"""How much arithmetic a training step is, by layer: multiplications and additions, in thousands of millions (GFLOP)."""

# For one digit, forward: two operations for each weight at each place of the output.
FORWARD = {
    "conv1": 2 * 28 * 28 * 5 * 5 * 1 * 32 / 1e9,
    "conv2": 2 * 14 * 14 * 5 * 5 * 32 * 64 / 1e9,
    "fc1": 2 * 7 * 7 * 64 * 1024 / 1e9,
    "fc2": 2 * 1024 * 10 / 1e9,
}
LAYERS = tuple(FORWARD)
# Backward: as much again for the weights' gradient, and for the input's, which nobody asks of the pixels.
STEP = {layer: forward * (2 if layer == "conv1" else 3) for layer, forward in FORWARD.items()}
