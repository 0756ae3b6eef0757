"""OpenAI-compatible endpoints: their addresses, their keys, and one client for all nodes that ask."""
