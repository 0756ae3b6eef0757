"""`vflow bench --battery turns`: scenes of turn-taking, each a conversation of its own, with a verdict."""
