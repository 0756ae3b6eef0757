"""Judge how an agent handled a human turn, and compare two runs."""
