"""What this machine is for vflow, and what would make a graph faster or smaller on it."""
