"""Who reaches whom: simulated from the policies, and as deploy/topology.yaml wants it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from deploy.k8s.tests.objects import Manifest, Workload, of_kind, selects, workloads
from deploy.k8s.topology import Process, Topology, load

NAMESPACE_NAME = "kubernetes.io/metadata.name"
DNS_PORT = 53
SUBMISSION_PORTS = (465, 587)
# Of the jobs that are not a service's, whom they reach.
_JOBS_USE = {"nats-streams": "bus", "postgres-backup": "database"}


@dataclass(frozen=True)
class Peer:
    """An end of a connection; one outside the cluster has no namespace."""

    name: str
    namespace: str | None
    labels: dict[str, str]
    ports: frozenset[int]


class Edge(NamedTuple):
    """A connection that may be opened."""

    source: str
    target: str
    port: int


def network(objects: list[Manifest]) -> Iterator[str]:
    """The policies allow the edges of the topology and not one more."""
    allowed, wanted = reachable(objects), edges_of(load(), objects)
    for edge in sorted(allowed - wanted):
        yield f"{edge.source} reaches {edge.target}:{edge.port} and should not"
    for edge in sorted(wanted - allowed):
        yield f"{edge.source} cannot reach {edge.target}:{edge.port}"


def edges_of(topology: Topology, objects: list[Manifest]) -> set[Edge]:
    """What the topology asks for."""
    everything = workloads(objects)
    edges = {Edge(str(workload), "dns", DNS_PORT) for workload in everything}
    for process in topology.processes:
        source = _workload_of(process, everything)
        for name in process.calls:
            service = topology.services[name]
            target = _workload_of(service.processes["serve"], everything)
            edges.add(Edge(source, target, topology.ports[service.listens]))
        for name in process.uses:
            edges |= {
                Edge(source, target, port) for target, port in _provided(topology, name, objects)
            }
        if process.name != "migrate":
            edges.add(Edge("prometheus", source, topology.ports["internal"]))
    for service in topology.services.values():
        if service.public:
            target = _workload_of(service.processes["serve"], everything)
            port = topology.ports[service.listens]
            edges |= {
                Edge(source, target, port)
                for source in ("internet", "prometheus", "dns", "stranger")
            }
    if any(workload.name == "prometheus" for workload in everything):
        edges |= _monitoring(topology, everything)
    edges |= {
        Edge(str(workload), target, port)
        for workload in everything
        if workload.name in _JOBS_USE
        for target, port in _provided(topology, _JOBS_USE[workload.name], objects)
    }
    return edges


def _monitoring(topology: Topology, everything: list[Workload]) -> set[Edge]:
    """Where Prometheus runs beside us: it scrapes every lasting process, and Grafana asks it."""
    prometheus, grafana = "StatefulSet/prometheus", "Deployment/grafana"
    scraped = [
        _workload_of(process, everything)
        for process in topology.processes
        if process.name != "migrate"
    ]
    port = topology.ports["internal"]
    return {Edge(grafana, prometheus, 9090), *(Edge(prometheus, each, port) for each in scraped)}


def reachable(objects: list[Manifest]) -> set[Edge]:
    """What the policies let through, from every peer to every port that somebody listens on."""
    policies = list(of_kind(objects, "NetworkPolicy").values())
    peers = _peers(objects)
    return {
        Edge(source.name, target.name, port)
        for source in peers
        for target in peers
        for port in target.ports
        if source is not target
        and target.name != "stranger"
        and (_ours(source) or _ours(target))
        and _allows(policies, "egress", source, target, port)
        and _allows(policies, "ingress", target, source, port)
    }


def _peers(objects: list[Manifest]) -> list[Peer]:
    ours = [
        Peer(
            str(workload),
            workload.manifest["metadata"].get("namespace"),
            workload.labels,
            frozenset(
                port["containerPort"]
                for container in workload.containers
                for port in container.get("ports", [])
            ),
        )
        for workload in workloads(objects)
    ]
    dns = Peer("dns", "kube-system", {"k8s-app": "kube-dns"}, frozenset({DNS_PORT}))
    prometheus = Peer("prometheus", load().scraped_from, {}, frozenset({9090}))
    stranger = Peer("stranger", "default", {"app.kubernetes.io/name": "gateway"}, frozenset({80}))
    return [
        *ours,
        dns,
        prometheus,
        stranger,
        Peer("internet", None, {}, frozenset({25, 443, *SUBMISSION_PORTS})),
    ]


def _ours(peer: Peer) -> bool:
    return "/" in peer.name


def _allows(policies: list[Manifest], way: str, pod: Peer, other: Peer, port: int) -> bool:
    """A pod that no policy chooses may do anything; a chosen one what one of them allows."""
    chosen = [
        policy["spec"]
        for policy in policies
        if policy["metadata"].get("namespace") == pod.namespace
        and way.capitalize() in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], pod.labels)
    ]
    if not chosen:
        return True
    side = "to" if way == "egress" else "from"
    return any(
        _fits_port(rule, port) and _fits_peer(rule.get(side), pod, other)
        for spec in chosen
        for rule in spec.get(way, [])
    )


def _fits_port(rule: Manifest, port: int) -> bool:
    return "ports" not in rule or port in {entry["port"] for entry in rule["ports"]}


def _fits_peer(peers: list[Manifest] | None, pod: Peer, other: Peer) -> bool:
    """No list is everybody; a pod selector alone means the pod's own namespace."""
    if peers is None:
        return True
    for peer in peers:
        if "ipBlock" in peer:
            if other.namespace is None:
                return True
            continue
        if other.namespace is None:
            continue
        home = {NAMESPACE_NAME: other.namespace}
        if "namespaceSelector" in peer:
            same = selects(peer["namespaceSelector"], home)
        else:
            same = other.namespace == pod.namespace
        if same and selects(peer.get("podSelector", {}), other.labels):
            return True
    return False


def _workload_of(process: Process, everything: list[Workload]) -> str:
    labels = {
        "app.kubernetes.io/name": process.service,
        "app.kubernetes.io/component": process.name,
    }
    [found] = [
        str(workload) for workload in everything if labels.items() <= workload.labels.items()
    ]
    return found


def _provided(topology: Topology, name: str, objects: list[Manifest]) -> list[tuple[str, int]]:
    """Who provides something, and where; mail that nobody here takes goes outside."""
    inside = [
        (str(workload), topology.providers[name])
        for workload in workloads(objects)
        if workload.labels.get("freelanceflow.dev/provides") == name
    ]
    outside = [("internet", port) for port in SUBMISSION_PORTS if name == "mail"]
    return inside or outside
