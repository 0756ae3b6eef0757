"""Candidates of the role `end_of_turn`: judge at a pause whether the user has finished."""
