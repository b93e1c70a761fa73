"""What differs between two front-ends, kernels, recordings or files of features."""
