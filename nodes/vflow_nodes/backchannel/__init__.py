"""Candidates of the role `backchannel`: judge whether a word over a reply only means "I am listening"."""
