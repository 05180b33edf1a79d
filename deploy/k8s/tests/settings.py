"""Manifests against the code: each process gets settings that it knows and production takes."""

import os
from collections.abc import Iterator
from importlib import import_module
from unittest.mock import patch

from pydantic import ValidationError

from deploy.k8s.tests.objects import Manifest, Workload, environment, workloads
from deploy.k8s.topology import load
from kit.settings import ServiceSettings


def settings_class(service: str) -> type[ServiceSettings]:
    """The settings of a service, by the name that all five give them."""
    found: type[ServiceSettings] = import_module(f"{service}.config").Settings
    return found


def settings(objects: list[Manifest]) -> Iterator[str]:
    """Every process of ours starts with the environment that its manifest gives it."""
    for workload in workloads(objects):
        if workload.ours and workload.labels["app.kubernetes.io/name"] in load().services:
            yield from _process(workload, objects)


def _process(workload: Workload, objects: list[Manifest]) -> Iterator[str]:
    service = workload.labels["app.kubernetes.io/name"]
    kind = settings_class(service)
    variables = environment(workload.pod["containers"][0], objects)
    known = {kind.env_name(field) for field in kind.model_fields}
    for name in variables.keys() - known - {"HOME"}:
        yield f"{workload}: {name} is no setting of {service}"
    if variables.get(kind.env_name("profile")) != "production":
        yield f"{workload}: is not in the production profile"
    with patch.dict(os.environ, variables, clear=True):
        try:
            kind()
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                yield f"{workload}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}"


def addresses(objects: list[Manifest]) -> Iterator[str]:
    """The peers in a service's settings are the calls of the topology, at their ports."""
    topology = load()
    for workload in workloads(objects):
        service = workload.labels.get("app.kubernetes.io/name", "")
        if service not in topology.services or workload.kind == "Job":
            continue
        kind = settings_class(service)
        calls = topology.services[service].processes["serve"].calls
        peers = {
            field.removesuffix("_address")
            for field in kind.model_fields
            if field.endswith("_address")
        }
        if peers != set(calls):
            yield f"{workload}: its settings name {sorted(peers)}, the topology {sorted(calls)}"
        variables = environment(workload.pod["containers"][0], objects)
        for peer in calls:
            wanted = f"{peer}:{topology.ports[topology.services[peer].listens]}"
            if (found := variables.get(kind.env_name(f"{peer}_address"))) != wanted:
                yield f"{workload}: finds {peer} at {found}, not at {wanted}"
