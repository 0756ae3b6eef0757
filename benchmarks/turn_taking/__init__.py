"""Judge what an agent made of one human turn, and compare two runs."""
