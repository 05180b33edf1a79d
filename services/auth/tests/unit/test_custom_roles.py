"""A role of one's own never allows what its base does not, nor what its maker may not."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.domain.custom_role import CustomRole, Given
from auth.domain.errors import (
    PermissionsInvalid,
    RoleHasChanged,
    RoleNameInvalid,
    RoleTooHigh,
    RoleUnknown,
)
from auth.domain.roles import (
    BASIS,
    PERMISSIONS,
    Role,
    Standing,
    Visibility,
    permissions_of,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERY = sorted(PERMISSIONS[Role.OWNER])
BASES = st.sampled_from([role for role in Role if role is not Role.OWNER])
PERMISSION_SETS = st.sets(st.sampled_from(EVERY))
OWNER = Given(Role.OWNER).standing


def make(
    base: Role = Role.FINANCE,
    permissions: set[str] | frozenset[str] = frozenset(),
    *,
    name: str = "Bookkeeper",
    maker: Standing = OWNER,
) -> CustomRole:
    return CustomRole.make(
        uuid4(),
        uuid4(),
        name=name,
        base=base,
        permissions=permissions,
        maker=maker,
        at=NOON,
        by=uuid4(),
    )


@given(base=BASES, asked=PERMISSION_SETS, visibility=st.sampled_from(list(Visibility)))
def test_it_allows_what_was_asked_for_and_never_more_than_its_base(
    base: Role, asked: set[str], visibility: Visibility
) -> None:
    try:
        role = make(base, asked)
    except PermissionsInvalid:
        unread = {one for one in asked if one.endswith(".write")} and not all(
            f"{one.removesuffix('.write')}.read" in asked | BASIS
            for one in asked
            if one.endswith(".write") and f"{one.removesuffix('.write')}.read" in PERMISSIONS[base]
        )
        assert unread or not asked <= PERMISSIONS[base]
        return
    assert role.rights == asked | BASIS
    allowed = permissions_of(role.rights, visibility)
    assert allowed <= permissions_of(PERMISSIONS[base], visibility) <= PERMISSIONS[base]
    assert OWNER.reaches(role.standing)
    assert role.standing.role is base


@given(base=BASES, asked=PERMISSION_SETS, maker_base=BASES, has=PERMISSION_SETS)
def test_nobody_makes_or_changes_one_that_may_do_what_they_may_not(
    base: Role, asked: set[str], maker_base: Role, has: set[str]
) -> None:
    maker = Standing(maker_base, PERMISSIONS[maker_base] & (has | BASIS))
    try:
        role = make(base, asked, maker=maker)
    except (PermissionsInvalid, RoleTooHigh):
        return
    assert role.rights <= maker.rights
    assert not base.outranks(maker.role)
    for wanted in EVERY:
        before = role.rights
        try:
            role.change(
                name=None, permissions=before | {wanted}, changer=maker, at=NOON, by=uuid4()
            )
        except (PermissionsInvalid, RoleTooHigh):
            continue
        assert role.rights <= maker.rights


def test_what_its_base_loses_it_loses_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    role = make(Role.FINANCE, {"exports.write"})
    monkeypatch.setitem(PERMISSIONS, Role.FINANCE, BASIS)
    assert role.rights == BASIS


def test_an_owner_is_one_or_is_not() -> None:
    with pytest.raises(RoleUnknown):
        make(Role.OWNER)


def test_what_cannot_be_seen_cannot_be_changed() -> None:
    with pytest.raises(PermissionsInvalid, match=r"imports\.read"):
        make(Role.MANAGER, {"imports.write"})
    assert "imports.write" in make(Role.MANAGER, {"imports.write", "imports.read"}).rights


@pytest.mark.parametrize("name", ["", "  ", "x" * 51, "Owner", "vIEWER", "a\0b"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(RoleNameInvalid):
        make(name=name)


def test_a_change_says_whether_it_matters_to_who_has_it() -> None:
    role = make(Role.FINANCE, {"exports.write"})
    assert not role.change(
        name=" The  books ", permissions=None, changer=OWNER, at=NOON, by=uuid4()
    )
    assert role.name == "The books"
    same = role.rights
    assert not role.change(name=None, permissions=same, changer=OWNER, at=NOON, by=uuid4())
    assert role.change(name=None, permissions=(), changer=OWNER, at=NOON, by=uuid4())
    with pytest.raises(RoleHasChanged):
        role.expect(7)
