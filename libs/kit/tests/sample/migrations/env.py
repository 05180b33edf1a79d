"""The sample service's migrations, as every service has them."""

from kit.migrations import run_migrations

run_migrations()
