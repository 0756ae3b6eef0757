"""`vflow bench`: a pipeline is spoken to, and what came of it is held against what is promised."""
