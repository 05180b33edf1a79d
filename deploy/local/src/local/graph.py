"""FreelanceFlow as a graph of units: who needs whom, and how each is seen to be ready."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

from local import servers
from local.environment import WITH_DATABASE, base, environment
from local.paths import ROOT
from local.plan import Plan
from local.processes import Command
from local.secrets import write_private
from local.servers import Recipe
from local.units import Unit, answers


def units(plan: Plan) -> list[Unit]:
    """Everything that runs, databases first."""
    return [
        *_servers(plan),
        _mail_sink(plan),
        _signing_key(plan),
        _databases(plan),
        *(_migration(plan, service) for service in WITH_DATABASE),
        # Services bear each other's absence: that they start together halves the wait.
        _service(plan, "auth", "auth-key", "migrate-auth", "nats"),
        _service(plan, "crm", "migrate-crm", "nats", "valkey", uses=("auth",)),
        _service(plan, "analytics", "migrate-analytics", "nats", "valkey", uses=("auth",)),
        _service(plan, "notify", "migrate-notify", "nats", uses=("auth", "mail")),
        _worker(plan, "crm"),
        _worker(plan, "analytics"),
        _service(plan, "gateway", "nats", "valkey", uses=WITH_DATABASE),
        _demo(plan),
    ]


def _servers(plan: Plan) -> list[Unit]:
    def postgres() -> Recipe:
        return servers.postgres_recipe(plan.data("postgres"), plan.port("postgres"), durable=True)

    def nats() -> Recipe:
        monitor = plan.port("nats-monitor")
        return servers.nats_recipe(plan.data("nats"), plan.port("nats"), monitor)

    def valkey() -> Recipe:
        return servers.valkey_recipe(plan.data("valkey"), plan.port("valkey"))

    return [_server("postgres", postgres), _server("nats", nats), _server("valkey", valkey)]


def _server(name: str, recipe: Callable[[], Recipe]) -> Unit:
    prepared: list[Recipe] = []

    def prepare() -> Command:
        prepared[:] = [recipe()]
        return prepared[0].command

    return Unit(name=name, prepare=prepare, ready=lambda pid: prepared[0].ready(pid))


def _mail_sink(plan: Plan) -> Unit:
    ports = (f"--smtp={plan.port('smtp')}", f"--http={plan.port('mail')}")
    return Unit(
        name="mail",
        prepare=lambda: _python(base(plan), plan, "local.mailsink", *ports),
        ready=answers(f"http://{plan.address('mail')}/readyz"),
    )


def _signing_key(plan: Plan) -> Unit:
    def prepare() -> Command | None:
        if plan.signing_keys.exists():
            return None
        return _python(environment(plan, "auth"), plan, "auth", "keys", str(plan.signing_keys))

    return Unit(name="auth-key", prepare=prepare)


def _databases(plan: Plan) -> Unit:
    """Every service's database and roles."""
    return _once(
        plan,
        name="databases",
        version=lambda: _digest(plan.admin_url, *_all_passwords(plan)),
        command=lambda: _python(base(plan), plan, "local", "provision"),
        needs=("postgres",),
    )


def migration(plan: Plan, service: str) -> Command:
    """One service's migrations, run as the owner of its tables."""
    owner = {"DATABASE_URL_OWNER": plan.database_url(service, "owner")}
    return _python(environment(plan, service, **owner), plan, service, "migrate")


def _migration(plan: Plan, service: str) -> Unit:
    folder = ROOT / "services" / service / "src" / service / "migrations" / "versions"

    def version() -> str:
        return _digest(plan.admin_url, *(path.read_text() for path in sorted(folder.glob("*.py"))))

    return _once(
        plan,
        name=f"migrate-{service}",
        version=version,
        command=lambda: migration(plan, service),
        needs=("databases",),
    )


def _service(plan: Plan, service: str, *needs: str, uses: tuple[str, ...] = ()) -> Unit:
    internal = plan.address(f"{service}-internal")
    return Unit(
        name=service,
        prepare=lambda: _python(environment(plan, service), plan, service, "serve"),
        ready=answers(f"http://{internal}/readyz"),
        needs=needs,
        uses=uses,
        metrics=f"http://{internal}/metrics",
    )


def _worker(plan: Plan, service: str) -> Unit:
    internal = plan.address(f"{service}-worker-internal")
    told = environment(plan, service, INTERNAL_LISTEN=internal)
    return Unit(
        name=f"{service}-worker",
        prepare=lambda: replace(_python(told, plan, service, "worker"), background=True),
        ready=answers(f"http://{internal}/readyz"),
        needs=(f"migrate-{service}", "nats", "valkey"),
        metrics=f"http://{internal}/metrics",
    )


def _demo(plan: Plan) -> Unit:
    """The demo workspace, filled through the services as a person would fill it."""
    return _once(
        plan,
        name="demo",
        version=lambda: _digest(plan.admin_url),
        command=lambda: _python(base(plan), plan, "local", "seed"),
        needs=("auth", "crm", "crm-worker"),
    )


def _once(
    plan: Plan,
    *,
    name: str,
    version: Callable[[], str],
    command: Callable[[], Command],
    needs: tuple[str, ...],
) -> Unit:
    """A task that is done again only when its version changes, so that a warm start is quick."""
    stamp = plan.data("stamps") / name

    def prepare() -> Command | None:
        return None if stamp.exists() and stamp.read_text() == version() else command()

    return Unit(
        name=name, prepare=prepare, finish=lambda: write_private(stamp, version()), needs=needs
    )


def _python(told: Mapping[str, str], plan: Plan, module: str, *arguments: str) -> Command:
    return Command(argv=[sys.executable, "-m", module, *arguments], cwd=plan.home, env=told)


def _all_passwords(plan: Plan) -> list[str]:
    roles = ("owner", "app", "system")
    return [plan.database_url(service, role) for service in WITH_DATABASE for role in roles]


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
