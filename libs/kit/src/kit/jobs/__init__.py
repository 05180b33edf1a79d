"""Background jobs: the row in PostgreSQL is the truth, the broker only says that there is one."""
