"""Make scenes of speech with known truth, and analyse their recordings."""
