"""Write what follows from deploy/topology.yaml: network policies, rights on the bus, scraping.

python -m deploy.k8s.generate          writes
python -m deploy.k8s.generate --check  exits 1 and names the files that are out of date
"""

import sys
from pathlib import Path
from typing import Any

import yaml

from deploy.k8s import monitoring
from deploy.k8s.topology import Process, Topology, load

COMPONENTS = Path(__file__).parent / "components"
HEADER = "# Generated from deploy/topology.yaml: python -m deploy.k8s.generate\n"
DNS = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}

Manifest = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Write the files, or with --check compare them."""
    stale = [path for path, text in files(load()).items() if not _same(path, text)]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path} is out of date: run python -m deploy.k8s.generate\n")
        return 1 if stale else 0
    for path in stale:
        path.write_text(files(load())[path])
    return 0


def files(topology: Topology) -> dict[Path, str]:
    """Every generated file with its content."""
    policies = yaml.safe_dump_all(network_policies(topology), sort_keys=False)
    plain = COMPONENTS / "monitoring-plain"
    return {
        **{plain / name: HEADER + text for name, text in monitoring.as_files(topology).items()},
        COMPONENTS / "network-policies" / "policies.yaml": HEADER + policies,
        COMPONENTS / "infra-plain" / "nats-users.conf": HEADER + nats_users(topology),
    }


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text() == text


# Network policies: nothing is allowed, then each edge from both of its ends.


def network_policies(topology: Topology) -> list[Manifest]:
    """Default deny, names for everyone, one policy per kind of pod and one per provider."""
    return [
        _policy("default-deny", {}, ingress=[], egress=[]),
        _policy("names", {}, egress=[DNS]),
        *(_process_policy(topology, process) for process in topology.processes),
        _policy(
            "streams",
            _named("nats-streams"),
            egress=[_to(_provider("bus"), topology.providers["bus"])],
        ),
        *(_provider_policy(topology, name) for name in topology.providers),
    ]


def _process_policy(topology: Topology, process: Process) -> Manifest:
    egress = [
        _to(_pods(topology.services[name].processes["serve"]), _port(topology, name))
        for name in process.calls
    ]
    egress += [_to(_provider(name), topology.providers[name]) for name in process.uses]
    return _policy(
        f"{process.service}-{process.name}",
        _pods(process),
        ingress=_ingress(topology, process),
        egress=egress,
    )


def _ingress(topology: Topology, process: Process) -> list[Manifest]:
    """Jobs hear nobody; every long-running process is scraped; only `serve` is called."""
    if process.name == "migrate":
        return []
    scraper = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": topology.scraped_from}}
    }
    rules = [_from([scraper], topology.ports["internal"])]
    if process.name == "serve":
        service = topology.services[process.service]
        callers = [
            {"podSelector": {"matchLabels": _pods(caller)}}
            for caller in topology.callers_of(service.name)
        ]
        if service.public:
            rules.append({"ports": [_tcp(_port(topology, service.name))]})
        elif callers:
            rules.append(_from(callers, _port(topology, service.name)))
    return rules


def _provider_policy(topology: Topology, name: str) -> Manifest:
    users = [
        {"podSelector": {"matchLabels": _pods(process)}}
        for process in topology.processes
        if name in process.uses
    ]
    if name == "bus":
        users.append({"podSelector": {"matchLabels": _named("nats-streams")}})
    return _policy(
        f"provider-{name}", _provider(name), ingress=[_from(users, topology.providers[name])]
    )


def _policy(name: str, pods: dict[str, str], **rules: list[Manifest]) -> Manifest:
    """A direction that is named is closed but for its rules."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "podSelector": {"matchLabels": pods} if pods else {},
            "policyTypes": [direction.capitalize() for direction in rules],
            **{direction: rule for direction, rule in rules.items() if rule},
        },
    }


def _pods(process: Process) -> dict[str, str]:
    return {**_named(process.service), "app.kubernetes.io/component": process.name}


def _named(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name}


def _provider(name: str) -> dict[str, str]:
    return {"freelanceflow.dev/provides": name}


def _port(topology: Topology, service: str) -> int:
    return topology.ports[topology.services[service].listens]


def _to(pods: dict[str, str], port: int) -> Manifest:
    return {"to": [{"podSelector": {"matchLabels": pods}}], "ports": [_tcp(port)]}


def _from(peers: list[Manifest], port: int) -> Manifest:
    return {"from": peers, "ports": [_tcp(port)]}


def _tcp(port: int) -> Manifest:
    return {"port": port, "protocol": "TCP"}


# Rights on the bus: a service speaks on its own subjects and reads the streams it consumes.


def nats_users(topology: Topology) -> str:
    """The users of nats.conf, one per service that reaches the bus, and one for the deployment."""
    users = ["{user: admin, password: $ADMIN_NATS_PASSWORD}"]
    for service in topology.services.values():
        publish = [f"{service.name}.>", "dead.>"] if service.stream else []
        publish += ["$JS.API.INFO", "$JS.API.STREAM.INFO.*", "$JS.API.STREAM.NAMES"]
        for stream in service.consumes:
            publish += _consumer_subjects(stream)
        users.append(_nats_user(service.name, publish))
    return "users: [\n" + "\n".join(users) + "\n]\n"


def _nats_user(name: str, publish: list[str]) -> str:
    subjects = "\n".join(f'    "{subject}"' for subject in publish)
    return (
        f"{{user: {name}, password: ${name.upper()}_NATS_PASSWORD, permissions: {{\n"
        f'  subscribe: ["_INBOX.>"]\n  publish: [\n{subjects}\n  ]\n}}}}'
    )


def _consumer_subjects(stream: str) -> list[str]:
    """What a consumer of a stream asks of the server; the shape of $JS.ACK differs by version."""
    api = [
        f"$JS.API.CONSUMER.{verb}.{stream}.>"
        for verb in ("CREATE", "DURABLE.CREATE", "INFO", "DELETE", "MSG.NEXT")
    ]
    return [
        f"$JS.API.CONSUMER.CREATE.{stream}",
        *api,
        f"$JS.ACK.{stream}.>",
        f"$JS.ACK.*.*.{stream}.>",
        f"$JS.FC.{stream}.>",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
