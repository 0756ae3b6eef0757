"""Examine this machine: what it offers vflow, and what would make a graph faster or smaller on it."""
