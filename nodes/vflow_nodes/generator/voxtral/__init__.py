"""`generator.voxtral`: hear speech and answer with words. `node` is the node, the rest its library."""

MODEL = "mistralai/Voxtral-Mini-3B-2507"
"""The default model."""
