"""Who may call what, as the contract says it.

The option is read by its name, so that this needs no stub of any service.
"""

from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pool import Default

OPTION = "freelanceflow.type.v1.access"
READS = ("Get", "List", "Search", "Download")  # how the names of methods that only read begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Exactly one of the first four holds for a method."""

    permission: str | None = None
    public: bool = False
    internal: bool = False
    signed_in: bool = False
    keys: bool = False  # with signed_in: API keys, too
    without_workspace: bool = False  # with signed_in: who belongs to none, too
    reads: bool = False  # and changes nothing

    @property
    def needs_identity(self) -> bool:
        """Somebody must be calling, not just something."""
        return self.signed_in or self.permission is not None


class AccessUndeclared(Exception):
    """A method that does not say who may call it is not served."""


def access_of(service: ServiceDescriptor) -> dict[str, Access]:
    """The rule of every method of a service. Raises AccessUndeclared."""
    return {method.name: _access(method) for method in service.methods}


def _access(method: MethodDescriptor) -> Access:
    try:
        option = Default().FindExtensionByName(OPTION)
    except KeyError:
        raise AccessUndeclared(f"{OPTION} is in none of the loaded contracts") from None
    options: Any = method.GetOptions()  # the option has no stub here
    said = options.Extensions[option]
    access = Access(
        permission=said.permission or None,
        public=said.public,
        internal=said.internal,
        signed_in=said.signed_in,
        keys=said.keys,
        without_workspace=said.without_workspace,
        reads=method.name.startswith(READS),
    )
    if [access.permission is not None, access.public, access.internal, access.signed_in].count(
        True
    ) != 1:
        raise AccessUndeclared(f"{method.full_name} must say exactly one of {OPTION}")
    for name in ("keys", "without_workspace"):
        if getattr(access, name) and not access.signed_in:
            said_alone = f"{method.full_name} says {name}, which goes with signed_in only"
            raise AccessUndeclared(said_alone)
    return access
