"""Arithmetic of a training step per layer, multiplications and additions, in GFLOP."""

# For one digit, forward: two operations for each weight at each position of the output.
FORWARD = {
    "conv1": 2 * 28 * 28 * 5 * 5 * 1 * 32 / 1e9,
    "conv2": 2 * 14 * 14 * 5 * 5 * 32 * 64 / 1e9,
    "fc1": 2 * 7 * 7 * 64 * 1024 / 1e9,
    "fc2": 2 * 1024 * 10 / 1e9,
}
LAYERS = tuple(FORWARD)
# Backward: the same again for the gradient of the weights, and for that of the input, which conv1 does not need.
STEP = {layer: forward * (2 if layer == "conv1" else 3) for layer, forward in FORWARD.items()}
