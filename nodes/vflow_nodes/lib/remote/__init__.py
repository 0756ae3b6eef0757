"""OpenAI-compatible endpoints: where they are, whose key they get, and one client for all nodes that ask."""
