"""Read data files into arrays: MNIST and other IDX data sets, the user's pictures, class names."""
