"""The DECONVNET dashboard of TensorBoard."""
