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


# What concerns a person alone, whichever workspace they are in.
ABOUT_ONESELF = {"AccountService", "OwnDataService", "TwoStepService", "GoogleService"}


def test_whoever_is_in_no_workspace_reaches_only_what_is_about_themselves() -> None:
    """Everything else refuses their tokens, see kit.rpc.identity; outside of auth all does."""
    let_in = {
        (service.full_name, method)
        for service in services()
        for method, access in access_of(service).items()
        if access.without_workspace
    }
    elsewhere = {one for one in let_in if one[0].rpartition(".")[2] not in ABOUT_ONESELF}
    assert {name.rpartition(".")[0] for name, _ in let_in} == {"freelanceflow.auth.v1"}
    assert elsewhere == {("freelanceflow.auth.v1.WorkspaceService", "CreateWorkspace")}


def test_every_rpc_says_who_may_call_it() -> None:
    methods = {
        f"{service.full_name}/{method}" for service in services() for method in access_of(service)
    }
    declared = {f"{s.full_name}/{m.name}" for s in services() for m in s.methods}
    assert declared
    assert methods == declared
