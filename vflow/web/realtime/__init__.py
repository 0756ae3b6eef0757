"""Serve clients of OpenAI's Realtime API (GA) over a WebSocket: they talk to a graph. docs/realtime.md."""
