"""Scenes of speech with known truth, and the analysis of their recordings."""
