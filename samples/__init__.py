"""A sample meeting, and the demo that walks it through the whole of Hansard."""
