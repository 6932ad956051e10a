"""What alembic runs: every step on the connection, and in the transaction, that `store.migrate` holds."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
