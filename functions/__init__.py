"""What a cloud invokes by name."""
