"""Whether a word over a reply means: I am listening."""
