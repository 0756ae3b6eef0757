"""Examines this machine: what it is for vflow, and what would make a graph faster or smaller on it."""
