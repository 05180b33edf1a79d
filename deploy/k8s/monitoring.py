"""From deploy/topology.yaml: whom components/monitoring-plain scrapes, and who reaches whom."""

from typing import Any

import yaml

from deploy.k8s.topology import Process, Topology

Manifest = dict[str, Any]
EVERY = "15s"  # more often than rates of five minutes need, and often enough to see a restart
OF_PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
OF_GRAFANA = {"app.kubernetes.io/name": "grafana"}
PROMETHEUS_PORT = 9090


def targets(topology: Topology) -> list[Manifest]:
    """Names under which the pods of each kind are found, also those that are not ready."""
    port = topology.ports["internal"]
    return [_named(process, port) for process in _lasting(topology)]


def scraping(topology: Topology) -> Manifest:
    """Prometheus' own configuration."""
    names = [_name(process) for process in _lasting(topology)]
    return {
        "global": {"scrape_interval": EVERY, "evaluation_interval": "30s"},
        "rule_files": ["/etc/prometheus-rules/*.yaml"],
        "scrape_configs": [
            {
                "job_name": "freelanceflow",
                "dns_sd_configs": [
                    {
                        "names": names,
                        "type": "A",
                        "port": topology.ports["internal"],
                        "refresh_interval": EVERY,
                    }
                ],
                "relabel_configs": [
                    _from_the_name("service", "$1"),
                    _from_the_name("component", "$2"),
                ],
            }
        ],
    }


def policies(topology: Topology) -> list[Manifest]:
    """Prometheus reaches every process of ours, Grafana reaches Prometheus, nobody else anybody."""
    scraped = {
        kind: {"app.kubernetes.io/component": kind}
        for kind in sorted({process.name for process in _lasting(topology)})
    }
    internal = [{"port": topology.ports["internal"], "protocol": "TCP"}]
    asked = [{"port": PROMETHEUS_PORT, "protocol": "TCP"}]
    return [
        *(
            _policy(
                f"scraped-{kind}", pods, ingress=[{"from": _pods(OF_PROMETHEUS), "ports": internal}]
            )
            for kind, pods in scraped.items()
        ),
        _policy(
            "prometheus",
            OF_PROMETHEUS,
            ingress=[{"from": _pods(OF_GRAFANA), "ports": asked}],
            egress=[{"to": _pods(*scraped.values()), "ports": internal}],
        ),
        _policy("grafana", OF_GRAFANA, egress=[{"to": _pods(OF_PROMETHEUS), "ports": asked}]),
    ]


def as_files(topology: Topology) -> dict[str, str]:
    """By the names they have in the component."""
    return {
        "targets.yaml": yaml.safe_dump_all(targets(topology), sort_keys=False),
        "policies.yaml": yaml.safe_dump_all(policies(topology), sort_keys=False),
        "prometheus.yml": yaml.safe_dump(scraping(topology), sort_keys=False),
    }


def _lasting(topology: Topology) -> list[Process]:
    return [process for process in topology.processes if process.name != "migrate"]


def _name(process: Process) -> str:
    return f"{process.service}-{process.name}-internal"


def _named(process: Process, port: int) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": _name(process)},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {
                "app.kubernetes.io/name": process.service,
                "app.kubernetes.io/component": process.name,
            },
            "ports": [{"name": "internal", "port": port, "targetPort": "internal"}],
        },
    }


def _from_the_name(label: str, part: str) -> Manifest:
    return {
        "source_labels": ["__meta_dns_name"],
        "regex": "([a-z]+)-([a-z]+)-internal",
        "target_label": label,
        "replacement": part,
    }


def _policy(name: str, pods: dict[str, str], **rules: list[Manifest]) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": {
            "podSelector": {"matchLabels": pods},
            "policyTypes": [direction.capitalize() for direction in rules],
            **rules,
        },
    }


def _pods(*chosen: dict[str, str]) -> list[Manifest]:
    return [{"podSelector": {"matchLabels": labels}} for labels in chosen]
