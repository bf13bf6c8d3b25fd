"""Several machines: TensorFlow 1's own distributed runtime. Only the chief runs a command; all other tasks serve it."""
