"""Triton kernels of a decoder. Call them through `ops_triton`, whose functions load triton when called."""
