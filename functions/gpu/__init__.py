"""Pure compute: knows tasks and reports; no database, no cloud credentials, no web framework."""
