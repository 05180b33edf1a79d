"""The three servers tests run on: embedded, or containers where they are asked for."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

CONNECTIONS = 120  # as many as the embedded server takes
# What `deploy/k8s` starts where nobody runs these servers for the platform.
POSTGRES_IMAGE = "docker.io/library/postgres:18.6-bookworm"
NATS_IMAGE = "docker.io/library/nats:2.15.0-alpine"
VALKEY_IMAGE = "docker.io/valkey/valkey:9.1.2-alpine"


def _containers() -> bool:
    return os.environ.get("FF_TEST_SERVERS") == "testcontainers"


@contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """An administrator's dsn."""
    with ExitStack() as stack:
        if _containers():
            from testcontainers.community.postgres import PostgresContainer

            container = PostgresContainer(POSTGRES_IMAGE, driver=None)
            container.with_command(f"postgres -c max_connections={CONNECTIONS}")
            yield stack.enter_context(container).get_connection_url()
        else:
            from local import postgres, servers

            stack.callback(postgres.remove, folder)
            server = servers.start_postgres(folder)
            stack.callback(server.stop)
            yield server.dsn


@contextmanager
def nats_server(folder: Path) -> Iterator[str]:
    """The url of a server with JetStream."""
    with ExitStack() as stack:
        if _containers():
            from testcontainers.community.nats import NatsContainer

            container = NatsContainer(NATS_IMAGE, jetstream=True)
            yield stack.enter_context(container).nats_uri()
        else:
            from local import servers

            server = servers.start_nats(folder)
            stack.callback(server.stop)
            yield server.url


@contextmanager
def valkey_server(folder: Path) -> Iterator[str]:
    """A redis:// url without a database number."""
    with ExitStack() as stack:
        if _containers():
            from testcontainers.community.redis import RedisContainer

            container = stack.enter_context(RedisContainer(VALKEY_IMAGE))
            host, port = container.get_container_host_ip(), container.get_exposed_port(6379)
            yield f"redis://{host}:{port}"
        else:
            from local import servers

            server = servers.start_valkey(folder)
            stack.callback(server.stop)
            yield server.url
