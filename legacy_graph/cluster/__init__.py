"""Several machines: TensorFlow 1's distributed runtime. The chief runs the command; all other tasks serve the chief."""
