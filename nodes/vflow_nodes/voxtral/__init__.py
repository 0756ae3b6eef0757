"""`generator.voxtral`: hears speech and answers with words. `node` is the node, the rest a library."""
