"""Doors for people and programs: HTTP, WebSocket and the command line."""
