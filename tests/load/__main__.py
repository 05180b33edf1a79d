"""People at work on the running platform, and whether it keeps what it promises.

    USERS=20 MINUTES=5 python -m tests.load

Ends with 1 when a gate is missed. HOST is another platform than the one of `make up`; METRICS are
then the addresses of its processes' metrics, separated by blanks. What is not on this machine is
refused unless LOAD_ALLOWED_HOST names it: a load test of somebody else's platform is an attack.
"""

import ipaddress
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local import state
from local.plan import plan_from_environment
from tests.load import environment, statements
from tests.load.gates import Requests, gates, table
from tests.load.journeys import NOT_IN, SIGN_INS_PER_MINUTE

LOCUSTFILE = Path(__file__).parent / "locustfile.py"
FOLDER = environment.ENVIRONMENT.parent
RESULT, BEGUN, LOG = FOLDER / "result.json", FOLDER / "begun", FOLDER / "locust.log"
PAUSE = 0.2


class Refused(Exception):
    """What was asked for cannot be done; the message says why."""


@dataclass(frozen=True)
class Asked:
    """One run."""

    host: str
    metrics: list[str]
    users: int
    seconds: float
    demo: dict[str, str] | None


def main() -> int:
    """Run it; a refusal is one line."""
    try:
        asked = asked_for(os.environ, state.read_facts(plan_from_environment().home))
        return _held_to(asked)
    except Refused as refusal:
        sys.stderr.write(f"load: {refusal}\n")
        return 2


def asked_for(told: Any, facts: dict[str, Any] | None) -> Asked:
    """What the settings mean on this machine, where `facts` of a platform are known if it runs.

    Raises Refused.
    """
    host, metrics, demo = told.get("HOST", ""), told.get("METRICS", "").split(), None
    if not host:
        if facts is None:
            raise Refused("nothing runs here: `make up` first, or name HOST")
        host, demo = str(facts["gateway"]), facts["demo"]
        metrics = [unit["metrics"] for unit in facts["services"].values() if unit["metrics"]]
    name = urlsplit(host).hostname or ""
    if not _is_here(name) and told.get("LOAD_ALLOWED_HOST") != name:
        raise Refused(
            f"{host} is not on this machine; if it is yours to load, set LOAD_ALLOWED_HOST={name}"
        )
    users, minutes = _number(told, "USERS", 20), _number(told, "MINUTES", 5)
    return Asked(host, metrics, round(users), 60 * minutes, demo)


def _held_to(asked: Asked) -> int:
    locust = environment.provide()
    for file in (RESULT, BEGUN):
        file.unlink(missing_ok=True)
    _say(f"{asked.users} people come to {asked.host}, {SIGN_INS_PER_MINUTE} a minute")
    # Its own tables hold the arrivals as well, and know no gates.
    with (
        LOG.open("w") as log,
        subprocess.Popen(
            _command(locust, asked), env=_told(asked), stdout=log, stderr=subprocess.STDOUT
        ) as running,
    ):
        while running.poll() is None and not BEGUN.exists():
            time.sleep(PAUSE)
        if running.poll() is not None:
            raise Refused(f"nothing was measured: {_why()}")
        before = statements.read(asked.metrics)
        _say(f"all are there; measuring for {asked.seconds / 60:g} minutes")
    if not RESULT.exists():
        raise Refused(f"Locust ended without a result: {_why()}")
    found = json.loads(RESULT.read_text())
    requests = [Requests(**one) for one in found["requests"]]
    took = statements.p95_ms(before, statements.read(asked.metrics))
    verdict = gates(requests, took)
    sys.stdout.write(table(requests, verdict, asked.seconds))
    sys.stdout.writelines(f"{count} times {said}\n" for said, count in found["said"])
    return 0 if all(gate.is_met for gate in verdict) else 1


def _why() -> str:
    """What our part of Locust said first, else where all of it stands."""
    lines = LOG.read_text(errors="replace").splitlines()
    return next((line for line in lines if line.startswith(NOT_IN)), f"see {LOG}")


def _command(locust: Path, asked: Asked) -> list[str]:
    people = ["--users", str(asked.users), "--spawn-rate", str(asked.users)]
    quiet = ["--headless", "--only-summary", "--exit-code-on-error", "0"]
    return [str(locust), "--locustfile", str(LOCUSTFILE), "--host", asked.host, *people, *quiet]


def _told(asked: Asked) -> dict[str, str]:
    load = {
        "users": asked.users,
        "seconds": asked.seconds,
        "demo": asked.demo,
        "result": str(RESULT),
        "begun": str(BEGUN),
    }
    return {**os.environ, "FF_LOAD": json.dumps(load)}


def _is_here(name: str) -> bool:
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _number(told: Any, name: str, usual: float) -> float:
    try:
        number = float(told.get(name) or usual)
    except ValueError:
        number = 0
    if not number > 0:
        raise Refused(f"{name}={told[name]}: a number above 0 is needed")
    return number


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
