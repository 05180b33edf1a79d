"""Every operation of crm with somebody else's ids: what may come of it, and who looks after that.

The operations are read from the contract. One that is not named here must answer NOT_FOUND to
foreign ids, so a new one is covered by itself, or fails until it says here why it need not.
"""

import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import freelanceflow.crm.v1
from kit.rpc.access import Access, access_of

FILES = [
    import_module(f"freelanceflow.crm.v1.{module.name}")
    for module in pkgutil.iter_modules(freelanceflow.crm.v1.__path__)
    if module.name.endswith("_service_pb2")
]
METHODS: list[MethodDescriptor] = [
    method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
# What is asked of a list or a sum, what is found by words, and what only makes something new: it
# names no record. It must show nothing of others, and leave everything of theirs as it is.
NAMES_NOTHING = {
    *("GetBoard", "ListDeals", "ListClients", "ListActivities", "ListTrash"),
    *("ListMerges", "ListDuplicates", "ListImports", "ListExports", "ListOwners", "Search"),
    *("ListStages", "ListLostReasons", "ListViews", "ListCustomFields", "ListTags"),
    *("ListCurrencies", "ListRates", "GetSetup", "GetCalendarFeed"),
    *("CreateStage", "CreateLostReason", "CreateCustomField", "CreateView", "CreateExport"),
    *("CreateCalendarFeed", "DeleteCalendarFeed", "AddSamples", "RemoveSamples", "CreateImport"),
    *("DraftActivity", "PutTag", "RenameTag", "DeleteTag", "PutRates", "ImportRates", "DeleteRate"),
    "CreateWorkspaceExport",
}
# They answer for each record; an order that names what is not there is incomplete.
ANSWERS_FOR_EACH = {"ChangeDeals", "ChangeClients", "ChangeActivities"}
REFUSES_THE_WHOLE = {"ReorderStages", "ReorderLostReasons"}
# A service asks, or a secret opens: tests/contract/test_services.py and test_calendars.py.
OF_NO_MEMBER = {"ListWorkspaces", "StreamWorkspace", "GetCalendar"}
SECRET = "Hushed"  # in texts of others that no request names


def access(method: MethodDescriptor) -> Access:
    """Who may call it."""
    return access_of(method.containing_service)[method.name]


# Must not find what the ids name.
BY_ID = [
    method
    for method in METHODS
    if method.name not in NAMES_NOTHING | ANSWERS_FOR_EACH | REFUSES_THE_WHOLE | OF_NO_MEMBER
]
WORDS = {
    **dict.fromkeys(("name", "new_name", "subject", "text", "etag", "type"), "1"),
    **{"resource": "deals", "currency_code": "USD", "valid_from": "2026-01-01", "rate": "0.9"},
}


@dataclass(frozen=True)
class Others:
    """Somebody else's records: their ids by the name of the field that takes them."""

    ids: dict[str, str]

    def request(self, method: MethodDescriptor) -> Message:
        """One that is right in everything but whose things it names."""
        request = GetMessageClass(method.input_type)()
        self._fill(request)
        if method.name == "ListTimeline":
            request.ClearField("client_id")  # of one or the other
        return request

    def are_told_of(self, answers: Iterable[Message]) -> list[str]:
        """What an answer gives away."""
        content = b"".join(answer.SerializeToString() for answer in answers)
        looked_for = {**self.ids, "secret": SECRET}
        return [
            name for name, text in looked_for.items() if len(text) > 2 and text.encode() in content
        ]

    def _fill(self, request: Message) -> None:
        if request.DESCRIPTOR.name == "BulkChange":
            request.MergeFrom(type(request)(action="BULK_ACTION_DELETE", ids=self._things))
            return
        for field in request.DESCRIPTOR.fields:
            if (value := self._value(field)) is not None:
                if field.is_repeated:
                    getattr(request, field.name).append(value)
                else:
                    setattr(request, field.name, value)
            elif _is_ours(field):
                part = getattr(request, field.name)
                self._fill(part.add() if field.is_repeated else part)
                if not field.is_repeated:
                    part.SetInParent()

    def _value(self, field: Any) -> Any:
        if field.type == FieldDescriptor.TYPE_ENUM:
            return 1
        if field.type == FieldDescriptor.TYPE_BYTES:
            return b"currency,valid_from,rate\nUSD,2026-01-01,0.9\n"
        if field.type != FieldDescriptor.TYPE_STRING:
            return None
        name = field.name.removesuffix("s") if field.is_repeated else field.name
        owned = self.ids.get(f"{_of(field)}.{name}") or self.ids.get(name)
        return owned or (None if field.is_repeated else WORDS.get(name))

    @property
    def _things(self) -> list[str]:
        return [self.ids[name] for name in ("deal_id", "client_id", "activity_id")]


def _is_ours(field: Any) -> bool:
    """A record, or a part of one; not a date, a mask, or a map."""
    type = field.message_type
    if type is None or type.GetOptions().map_entry:
        return False
    return bool(type.file.package == "freelanceflow.crm.v1")


def _of(field: Any) -> str:
    """What it is a field of."""
    type = field.containing_type
    return type.name if type else ""
