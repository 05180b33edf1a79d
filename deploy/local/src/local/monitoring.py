"""Prometheus beside the local platform: it scrapes its processes, and evaluates our rules.

What it scraped stays in the platform's data. There is no Grafana here: Prometheus' own pages show
rules, alerts and whatever one asks.
"""

import json
import signal
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from local import commands, state
from local.binaries import BinaryMissing
from local.commands import CannotDo, Say
from local.environment import base
from local.logs import open_log, tail
from local.paths import ROOT
from local.plan import Plan
from local.processes import Command, spawn, stop_group, wait_until
from local.promtool import PROMETHEUS, NoPrometheus, assets, provide
from local.servers import LOOPBACK
from local.units import answers

RULES = ("deploy/observability/rules/*.yaml", "deploy/observability/out/*.yaml")
BESIDE = 14  # distance of its port from the platform's base: it starts and ends by itself
START_TIMEOUT = 60.0
STOP_GRACE = 20.0


def watch(plan: Plan, say: Say) -> None:
    """Run it until Ctrl-C or `make down`; a second call only says where."""
    facts = state.read_facts(plan.home)
    if facts is None:
        raise CannotDo("nothing runs: `make up` first")
    for asked in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, signal.default_int_handler)  # `make down`, a terminal that closes
    with state.holding(plan.home, state.MONITORING) as free:
        if not free:
            say(f"Prometheus is running: {page(plan)}")
            return
        commands.refuse_taken_port(plan.base + BESIDE)
        _run(plan, _command(plan, facts, say), say)


def page(plan: Plan) -> str:
    """Its address."""
    return f"http://localhost:{plan.base + BESIDE}"


def _run(plan: Plan, command: Command, say: Say) -> None:
    path = plan.home / "logs" / "prometheus.log"
    path.unlink(missing_ok=True)  # what is shown of it is of this run
    with open_log(path) as log:
        process = spawn(command, log)
    try:
        ready = answers(f"http://{LOOPBACK}:{plan.base + BESIDE}/-/ready")
        if wait_until(lambda: ready(process.pid), lambda: process.poll() is None, START_TIMEOUT):
            say(f"Prometheus  {page(plan)}  scrapes every process each 15 s; Ctrl-C ends it")
            process.wait()
    except KeyboardInterrupt:
        return
    finally:
        stop_group(process, command.stop_signal, STOP_GRACE)
    last = "".join(f"\n    {line[:400]}" for line in tail(path, 4))
    raise CannotDo(f"Prometheus did not start, or ended by itself: see {path}{last}")


def _command(plan: Plan, facts: Mapping[str, Any], say: Say) -> Command:
    """What starts it, once its configuration is written."""
    try:
        program = provide(say, PROMETHEUS)
    except (BinaryMissing, NoPrometheus) as problem:
        raise CannotDo(str(problem)) from None
    folder = plan.data("prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.json").write_text(json.dumps(_configuration(facts)))  # JSON is YAML
    argv = [
        str(program),
        "--config.file=prometheus.json",
        "--storage.tsdb.path=series",
        "--storage.tsdb.retention.size=1GB",
        f"--web.listen-address={LOOPBACK}:{plan.base + BESIDE}",
        "--log.level=warn",
    ]
    if pages := assets(program):
        argv.append(f"--web.local-assets={pages}/")
    return Command(argv=argv, cwd=folder, env=base(plan))


def _configuration(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "global": {"scrape_interval": "15s", "evaluation_interval": "30s"},
        "rule_files": [str(ROOT / pattern) for pattern in RULES],
        "scrape_configs": [
            {"job_name": "freelanceflow", "static_configs": list(_targets(facts["services"]))}
        ],
    }


def _targets(services: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every process that tells of itself, under the labels that it has in a cluster."""
    for name, process in services.items():
        if process["metrics"]:
            service, _, component = name.partition("-")
            yield {
                "targets": [urlsplit(process["metrics"]).netloc],
                "labels": {"service": service, "component": component or "serve"},
            }
