"""Many clients of a server in one cheap process, the server's process, and the agent that it serves."""
