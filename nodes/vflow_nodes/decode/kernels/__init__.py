"""Triton kernels of a decode step; `ops_triton` is the way in. Importing a module of it needs triton."""
