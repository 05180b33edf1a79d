"""Write what follows from objectives and topology: rules of Prometheus, and Grafana's dashboards.

python -m deploy.observability.generate          writes
python -m deploy.observability.generate --check  exits 1 and names the files that are out of date
"""

import sys
from pathlib import Path

import yaml

from deploy.k8s.topology import Process, Topology
from deploy.k8s.topology import load as load_topology
from deploy.observability import slo
from deploy.observability.dashboards.boards import boards
from deploy.observability.dashboards.panels import as_json
from deploy.observability.slo import Rule, alert

OUT = Path(__file__).parent / "out"
DASHBOARDS = Path(__file__).parent / "dashboards" / "out"
HEADER = "# Generated from {}: python -m deploy.observability.generate\n"


def main(arguments: list[str]) -> int:
    """Write the files, or with --check compare them."""
    stale = {path: text for path, text in files().items() if not _same(path, text)}
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path}: run python -m deploy.observability.generate\n")
        return 1 if stale else 0
    for path, text in stale.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


def files() -> dict[Path, str]:
    """Every generated file with its content."""
    drawn = {each.build().uid: as_json(each) for each in boards()}
    return {
        **{DASHBOARDS / f"{uid}.json": text for uid, text in drawn.items()},
        OUT / "slo.yaml": _rules("deploy/observability/slo", slo.groups(slo.load())),
        OUT / "processes.yaml": _rules("deploy/topology.yaml", processes(load_topology())),
    }


def processes(topology: Topology) -> list[Rule]:
    """Somebody is told when no process of a kind answers, or none is scraped."""
    lasting = [process for process in topology.processes if process.name != "migrate"]
    return [{"name": "processes-down", "rules": [_down(topology, each) for each in lasting]}]


def _down(topology: Topology, process: Process) -> Rule:
    name, severity = "ServiceDown", "page"
    if topology.services[process.service].public:
        name = "GatewayDown"
    elif process.name != "serve":
        name, severity = "WorkerDown", "ticket"
    return alert(
        name,
        f'absent(up{{service="{process.service}", component="{process.name}"}} == 1)',
        lasting="2m" if severity == "page" else "10m",
        severity=severity,
        summary=f"No process of {process.service} ({process.name}) answers.",
        dashboard={"GatewayDown": "ff-gateway", "ServiceDown": "ff-grpc"}.get(name, "ff-jobs"),
        service=process.service,
        component=process.name,
    )


def _rules(source: str, groups: list[Rule]) -> str:
    return HEADER.format(source) + yaml.safe_dump({"groups": groups}, sort_keys=False, width=110)


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
