"""The nouns of Hansard and the pure functions over them. Standard library only."""
