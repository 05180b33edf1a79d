"""What a person asks of the local platform: up, down, status, logs, reset."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from local import logs, postgres, state
from local.environment import WITH_DATABASE, base, environment
from local.graph import migration
from local.lateness import lateness
from local.plan import Plan
from local.processes import kill_group
from local.servers import LOOPBACK

START_TIMEOUT = 300.0
STOP_TIMEOUT = 60.0
TAKE_OVER_TIMEOUT = 60.0  # one that ends is noticed at once; a busy machine only takes its time
POLL = 0.05

Say = Callable[[str], None]


class CannotDo(Exception):
    """The command ends here; the message says why and what to do."""


def up(plan: Plan, say: Say) -> None:
    """Start the platform in the background and wait until it is ready; again only says where."""
    if state.supervisor_pid(plan.home) is None:
        state.stop_leftovers(plan.home)
        refuse_taken_ports(plan)
        # What a supervisor that was killed has left would be taken for the new one's word.
        for name in ("status.json", "local.json"):
            (plan.home / name).unlink(missing_ok=True)
        say("Starting FreelanceFlow …")
        _start_supervisor(plan)
    else:
        say("FreelanceFlow is running.")
        _refuse_given_up(plan)
    _wait_until_ready(plan, say)
    say(_welcome(plan))


def as_running(plan: Plan) -> Plan:
    """The plan with the ports it was started on: whoever moved them need not say so each time."""
    facts = state.read_facts(plan.home)
    return replace(plan, base=urlsplit(facts["gateway"]).port or plan.base) if facts else plan


def down(plan: Plan, say: Say) -> None:
    """Stop everything, the last started first."""
    _stop_monitoring(plan, say)
    pid = state.supervisor_pid(plan.home)
    if pid is None:
        for name in state.stop_leftovers(plan.home):
            say(f"stopped {name}, left behind by a crash")
        say("FreelanceFlow is not running.")
        return
    os.kill(pid, 15)
    if not _within(STOP_TIMEOUT, lambda: state.supervisor_pid(plan.home) is None):
        kill_group(pid)
        state.stop_leftovers(plan.home)
    say("FreelanceFlow is stopped; its data stay.")


def status(plan: Plan, say: Say) -> bool:
    """One line per unit, and what is late; whether all is well."""
    running = state.supervisor_pid(plan.home) is not None
    units = [
        unit for unit in state.read_status(plan.home).values() if not unit.is_task or unit.note
    ]
    if not running:
        say("FreelanceFlow is not running.")
        for unit in units:
            if unit.state == state.FAILED:
                say(f"  {unit.note}")
        return False
    for unit in units:
        pid = str(unit.pid or "–")
        restarts = f"restarted {unit.restarts} times " if unit.restarts else ""
        say(f"  {unit.name:12} {unit.state:9} {pid:>8}  {restarts}{unit.note}")
    ready = [unit for unit in units if unit.state == state.READY]
    bus = f"http://{plan.address('nats-monitor')}" if "nats" in (u.name for u in ready) else None
    for line in lateness({unit.name: unit.metrics for unit in ready}, bus=bus):
        say(f"  {line}")
    if state.read_facts(plan.home):
        say(_welcome(plan))
    return all(unit.state in (state.READY, state.DONE) for unit in units)


def show_logs(plan: Plan, name: str | None, *, follow: bool, say: Say) -> None:
    """The last lines of one log or of all, then what is appended."""
    found = sorted((plan.home / "logs").glob("*.log"))
    logged = {path.stem: path for path in found if not path.stem.endswith(".1")}
    if not logged:
        raise CannotDo("nothing has been logged yet")
    if name and name not in logged:
        raise CannotDo(f"no log of {name}; there are {', '.join(logged)}")
    paths = [logged[name]] if name else list(logged.values())
    for path in paths:
        for line in logs.tail(path, 200 if name else 20):
            say(f"{path.stem:18} {line}")
    if follow:
        with suppress(KeyboardInterrupt):
            logs.follow(paths, lambda stem, line: say(f"{stem:18} {line}"))


def reset(plan: Plan, say: Say, *, sure: bool) -> None:
    """Delete all local data after asking."""
    if not sure and not confirmed(f"Delete all local data in {plan.home}? [y/N] ", "reset"):
        raise CannotDo("nothing was deleted")
    down(plan, say)
    postgres.remove(plan.data("postgres"))
    for name in ("data", "logs", "secrets", "status.json", "local.json"):
        path = plan.home / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    say("All local data are deleted.")


def migrate(plan: Plan, say: Say) -> None:
    """Run every service's migrations against the running databases."""
    if state.supervisor_pid(plan.home) is None:
        raise CannotDo("the databases are not running: `make up` starts and migrates them")
    for service in WITH_DATABASE:
        command = migration(plan, service)
        done = subprocess.run(command.argv, cwd=command.cwd, env=command.env, check=False)
        if done.returncode:
            raise CannotDo(f"the migrations of {service} failed")
        say(f"{service} is at its newest schema")


def rebuild(plan: Plan, workspaces: Sequence[str], say: Say) -> None:
    """Build analytics' facts anew from what crm has told, while everything goes on."""
    if state.supervisor_pid(plan.home) is None:
        raise CannotDo("nothing runs: `make up` first")
    argv = [sys.executable, "-m", "analytics", "rebuild", *(workspaces or ["--all"])]
    told = environment(plan, "analytics")
    if subprocess.run(argv, cwd=plan.home, env=told, check=False).returncode:
        raise CannotDo("not every workspace could be built anew; the lines above say why")
    say("The facts of analytics are built anew; scores follow within seconds.")


def delete_accounts(plan: Plan, ids: Path, say: Say) -> None:
    """Delete accounts again that came back with a backup, while everything goes on."""
    if state.supervisor_pid(plan.home) is None:
        raise CannotDo("nothing runs: `make up` first")
    argv = [sys.executable, "-m", "auth", "delete-accounts"]
    with ids.open() as lines:
        done = subprocess.run(
            argv, cwd=plan.home, env=environment(plan, "auth"), stdin=lines, check=False
        )
    if done.returncode:
        raise CannotDo("not every account could be deleted; the lines above say why")
    say("They are gone; the other services hear of it within seconds.")


def refuse_taken_ports(plan: Plan) -> None:
    """Name every port that somebody else listens on, and who it is where that can be seen."""
    taken = taken_ports(plan)
    if taken:
        what = ", ".join(f"{port} ({name}){_listener(port)}" for name, port in taken.items())
        raise CannotDo(
            f"port {what} is taken: free it, or move all with FF_PORT={plan.base + 1000}"
        )


def refuse_taken_port(port: int) -> None:
    """The same for one that belongs to nothing that `up` starts."""
    if _is_taken(port):
        raise CannotDo(f"port {port} is taken{_listener(port)}: free it")


def taken_ports(plan: Plan) -> dict[str, int]:
    """The ports of a platform on which somebody listens."""
    return {name: port for name, port in plan.ports.items() if _is_taken(port)}


def _stop_monitoring(plan: Plan, say: Say) -> None:
    pid = state.holder(plan.home, state.MONITORING)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, 15)
        if _within(STOP_TIMEOUT, lambda: state.holder(plan.home, state.MONITORING) is None):
            say("Prometheus is stopped.")


def _refuse_given_up(plan: Plan) -> None:
    """The rest goes on when one is given up later; whoever asks must hear of it."""
    for unit in state.read_status(plan.home).values():
        if unit.state == state.FAILED:
            raise CannotDo(f"{unit.note}\nThe rest runs on; `make down up` starts it anew.")


def _start_supervisor(plan: Plan) -> None:
    """In a session of its own: it outlives this terminal."""
    with logs.open_log(plan.home / "logs" / "supervisor.log") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "supervise"],
            cwd=plan.home,
            env={**os.environ, **base(plan)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    took_over = _within(
        TAKE_OVER_TIMEOUT,
        lambda: process.poll() is not None or state.supervisor_pid(plan.home) == process.pid,
    )
    if not took_over or process.poll() is not None:
        raise CannotDo(f"the supervisor did not start: see {plan.home / 'logs/supervisor.log'}")


def _wait_until_ready(plan: Plan, say: Say) -> None:
    """Tell of each unit as it becomes ready, until all are or one has failed."""
    begun = time.monotonic()
    told: set[str] = set()
    while time.monotonic() - begun < START_TIMEOUT:
        if state.read_facts(plan.home):
            return
        running = state.supervisor_pid(plan.home) is not None
        for unit in state.read_status(plan.home).values():
            if unit.state == state.FAILED:
                raise CannotDo(_why(plan, unit))
            if unit.state in (state.READY, state.DONE) and unit.name not in told:
                told.add(unit.name)
                say(f"  {time.monotonic() - begun:5.1f} s  {unit.name}")
        if not running:
            raise CannotDo(f"the supervisor ended: see {plan.home / 'logs/supervisor.log'}")
        time.sleep(POLL)
    raise CannotDo(f"not ready after {START_TIMEOUT:.0f} s: see `make status` and `make logs`")


def _why(plan: Plan, unit: state.UnitState) -> str:
    """The reason, and the end of the log in which it can be read."""
    _within(STOP_TIMEOUT, lambda: state.supervisor_pid(plan.home) is None)
    last = logs.tail(plan.home / "logs" / f"{unit.name}.log", 8)
    return "\n".join([unit.note, *(f"    {line[:400]}" for line in last)])


def _welcome(plan: Plan) -> str:
    facts = state.read_facts(plan.home) or plan.facts
    return (
        f"\n  FreelanceFlow  {facts['gateway']}"
        f"\n  sign in        {facts['demo']['email']}  {facts['demo']['password']}"
        f"\n  its mail       {facts['mail']}"
        "\n  stop it        make down\n"
    )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def _listener(port: int) -> str:
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.pid
            if listens and connection.laddr[1:] == (port,):
                return f" by {psutil.Process(connection.pid).name()}, pid {connection.pid}"
    return ""


def confirmed(question: str, target: str) -> bool:
    """Whether a person says so; who cannot be asked must have said so. Raises CannotDo."""
    if not sys.stdin.isatty():
        raise CannotDo(f"{target} asks first; without a terminal: make {target} YES=1")
    return input(question).strip().lower() in ("y", "yes")


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(POLL)
    return False
