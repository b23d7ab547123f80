"""alembic's entry: runs inside the connection that `migrate` hands over."""

from alembic import context

from shared.db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
