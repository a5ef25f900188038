"""The fused engine of the CPU: lanes of configurations in vector registers, compiled by numba."""
