"""Scenes of speech with known truth, and what recordings of them hold."""
