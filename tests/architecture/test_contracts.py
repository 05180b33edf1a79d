"""Every RPC of every contract says who may call it."""

import importlib
from pathlib import Path

from google.protobuf.descriptor import ServiceDescriptor

from kit.rpc.access import access_of

GENERATED = Path(__file__).resolve().parents[2] / "proto" / "gen"


def services() -> list[ServiceDescriptor]:
    found = []
    for path in sorted(GENERATED.rglob("*_service_pb2.py")):
        name = ".".join(path.relative_to(GENERATED).with_suffix("").parts)
        found += importlib.import_module(name).DESCRIPTOR.services_by_name.values()
    return found


def test_every_rpc_says_who_may_call_it() -> None:
    methods = {
        f"{service.full_name}/{method}" for service in services() for method in access_of(service)
    }
    declared = {f"{s.full_name}/{m.name}" for s in services() for m in s.methods}
    assert declared
    assert methods == declared
