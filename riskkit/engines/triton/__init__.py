"""The fused engine of the GPU, compiled by Triton."""
