"""The WebSocket: the same conversation, pushed instead of asked for."""
