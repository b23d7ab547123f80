"""One file per foreign system. Its SDK is imported inside, at first use."""
