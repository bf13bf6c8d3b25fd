"""Any TensorFlow 1 graph that someone else trained: load, rewrite and inspect it."""
