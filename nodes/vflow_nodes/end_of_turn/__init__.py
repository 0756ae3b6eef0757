"""Candidates of the role `end_of_turn`: whether the user has finished, judged at a pause."""
