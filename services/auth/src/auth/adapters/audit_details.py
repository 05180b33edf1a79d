"""What the audit log says of a fact beside its type."""

from auth.domain.facts import (
    ApiKeyCreated,
    ApiKeyRevoked,
    InvitationSent,
    MemberAdded,
    MemberPasswordChanged,
    MemberTwoStepChanged,
    RoleChanged,
    RoleCreated,
)
from kit.aggregate import Fact

BY_LINK = "with the link from a mail"


def detail_of(fact: Fact) -> str:
    """Nothing where the type says it all."""
    match fact:
        case MemberPasswordChanged():
            return BY_LINK if fact.by_link else ""
        case MemberTwoStepChanged():
            return "on" if fact.on else "off"
        case ApiKeyCreated() | ApiKeyRevoked():
            return fact.key_name
        case InvitationSent():
            return fact.email
        case MemberAdded():
            return fact.detail
        case RoleChanged():
            return _difference(fact)
        case RoleCreated():
            return f"{fact.name} ({fact.base})"
    return ""


def _difference(fact: RoleChanged) -> str:
    """Before and after, as far as they differ: “Books → Bookkeeper: +exports.write”."""
    renamed = fact.previous_name != fact.name
    name = f"{fact.previous_name} → {fact.name}" if renamed else fact.name
    more = [f"+{one}" for one in sorted(fact.permissions - fact.previous_permissions)]
    less = [f"−{one}" for one in sorted(fact.previous_permissions - fact.permissions)]
    return ": ".join(filter(None, (name, " ".join(more + less))))
