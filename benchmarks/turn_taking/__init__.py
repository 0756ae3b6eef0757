"""One human turn through an agent: what became of it, turn by turn, and two runs compared."""
