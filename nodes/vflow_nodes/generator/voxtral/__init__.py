"""`generator.voxtral`: hears speech and answers with words. `node` is the node, the rest a library."""

MODEL = "mistralai/Voxtral-Mini-3B-2507"
"""The one that is taken where none is named."""
