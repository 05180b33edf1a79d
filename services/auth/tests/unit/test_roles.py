"""The permission table, and who may change whom."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain.custom_role import Given
from auth.domain.errors import LastOwner, RoleTooHigh
from auth.domain.roles import PERMISSIONS, Role
from auth.domain.workspace import Member
from freelanceflow.analytics.v1 import analytics_service_pb2
from freelanceflow.auth.v1 import (
    account_service_pb2,
    audit_service_pb2,
    role_service_pb2,
    workspace_service_pb2,
)
from freelanceflow.crm.v1 import (
    activity_service_pb2,
    bulk_service_pb2,
    client_service_pb2,
    deal_service_pb2,
    import_service_pb2,
    record_service_pb2,
    search_service_pb2,
    stage_service_pb2,
)
from freelanceflow.notify.v1 import notification_service_pb2
from kit.rpc.access import access_of

MANAGE = "members.write"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROLES = st.sampled_from(list(Role))
CONTRACTS = (
    account_service_pb2,
    activity_service_pb2,
    analytics_service_pb2,
    audit_service_pb2,
    bulk_service_pb2,
    client_service_pb2,
    deal_service_pb2,
    import_service_pb2,
    notification_service_pb2,
    record_service_pb2,
    role_service_pb2,
    search_service_pb2,
    stage_service_pb2,
    workspace_service_pb2,
)


def member(role: Role) -> Member:
    return Member(
        id=uuid4(),
        workspace_id=uuid4(),
        version=1,
        email="noor@studio.example",
        name="Noor Vance",
        locale="en",
        role=role,
        joined_at=NOON,
    )


def test_every_permission_a_contract_asks_for_is_somebodys() -> None:
    asked = {
        access.permission
        for contract in CONTRACTS
        for service in contract.DESCRIPTOR.services_by_name.values()
        for access in access_of(service).values()
        if access.permission
    }
    assert asked
    assert asked <= PERMISSIONS[Role.OWNER]


def test_the_table_is_total_and_reading_comes_before_writing() -> None:
    assert set(PERMISSIONS) == set(Role)
    for permissions in PERMISSIONS.values():
        for permission in permissions:
            noun, _, verb = permission.partition(".")
            if verb == "write" and noun in ("clients", "deals", "activities", "members"):
                assert f"{noun}.read" in permissions


def test_a_viewer_writes_nothing() -> None:
    assert not [p for p in PERMISSIONS[Role.VIEWER] if p.endswith(".write")]


@given(theirs=ROLES, new=ROLES, giver=ROLES, owners=st.integers(1, 3))
def test_nobody_rises_above_who_lifts_them(
    theirs: Role, new: Role, giver: Role, owners: int
) -> None:
    person, standing = member(theirs), member(giver).standing
    try:
        person.take_role(Given(new), giver=standing, owners=owners, at=NOON, by=uuid4())
    except RoleTooHigh:
        assert not standing.reaches(Given(new).standing) or not standing.reaches(
            member(theirs).standing
        )
        assert person.role is theirs
    except LastOwner:
        assert theirs is Role.OWNER
        assert owners == 1
    else:
        assert not new.outranks(giver)
        assert PERMISSIONS[new] <= PERMISSIONS[giver]
        assert person.role is new


@pytest.mark.parametrize("giver", [role for role, may in PERMISSIONS.items() if MANAGE in may])
@pytest.mark.parametrize("other", list(Role))
def test_who_manages_members_reaches_all_that_are_not_above(giver: Role, other: Role) -> None:
    reaches = member(giver).standing.reaches(member(other).standing)
    assert reaches is not other.outranks(giver)


def test_the_last_owner_stays() -> None:
    owner = member(Role.OWNER).standing
    with pytest.raises(LastOwner):
        member(Role.OWNER).leave(remover=owner, owners=1, at=NOON, by=uuid4())
    member(Role.OWNER).leave(remover=owner, owners=2, at=NOON, by=uuid4())
