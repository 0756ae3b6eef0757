"""Triton kernels of a decoder; `ops_triton` is the way in. Its functions load triton when they are called."""
