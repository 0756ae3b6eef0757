"""OpenAI's Realtime protocol (GA) over a WebSocket: clients of theirs talk to a graph. docs/realtime.md."""
