"""Everything the doors share: domain, ports, database, use cases, adapters, dialects, wiring."""
