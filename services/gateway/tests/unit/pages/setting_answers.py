"""What crm answers about a workspace's settings."""

from typing import Any

from freelanceflow.crm.v1.field_service_pb2 import (
    CustomField,
    ListCustomFieldsRequest,
    ListCustomFieldsResponse,
    ListTagsResponse,
    Tag,
)
from freelanceflow.crm.v1.rate_service_pb2 import (
    Currency,
    ListCurrenciesResponse,
    ListRatesResponse,
    PutRatesResponse,
    Rate,
)
from freelanceflow.crm.v1.view_service_pb2 import ListViewsResponse, View, ViewTerm
from kit.errors import ErrorKind
from kit.rpc.errors import RemoteError

RATE = Rate(currency_code="CHF", valid_from="2026-01-02", rate="1.04", base_currency_code="EUR")


FIELDS = [
    CustomField(
        id=f"f-{resource}-{type}",
        resource=resource,
        key=type,
        name=type.capitalize(),
        type=type,
        options=["a", "b"] if "select" in type else [],
        position=position,
        etag="1",
    )
    for resource in ("clients", "deals")
    for position, type in enumerate(
        ("text", "number", "money", "date", "select", "multi_select", "url", "checkbox")
    )
]
VIEW = View(
    id="v-1",
    resource="deals",
    name="My week",
    filter=[
        ViewTerm(name="owner_id", value="me"),
        ViewTerm(name="expected_close_date__lte", value="today+7"),
    ],
    sort=["-amount_minor"],
    layout="table",
    card_fields=["tags", "cf_money"],
    editable=True,
    etag="1",
)


def list_fields(request: ListCustomFieldsRequest) -> ListCustomFieldsResponse | Exception:
    """As crm answers: activities have no fields of their own."""
    if request.resource not in ("", "clients", "deals"):
        return RemoteError(ErrorKind.INVALID, "RESOURCE_UNKNOWN", "There are none.")
    return ListCustomFieldsResponse(
        custom_fields=[f for f in FIELDS if request.resource in ("", f.resource)]
    )


def field_answers() -> dict[str, Any]:
    """Of every type on clients and deals, and two tags."""
    return {
        "ListCustomFields": list_fields,
        "ListTags": ListTagsResponse(
            tags=[Tag(name="web", color="teal", deal_count=3), Tag(name="big")]
        ),
    }


def view_answers() -> dict[str, Any]:
    """One view."""
    return {
        "ListViews": ListViewsResponse(views=[VIEW]),
        "GetView": VIEW,
        "CreateView": VIEW,
        "UpdateView": VIEW,
        "ChooseView": None,
        "DeleteView": None,
    }


def rate_answers() -> dict[str, Any]:
    """One currency with a rate, and one without."""
    return {
        "ListCurrencies": ListCurrenciesResponse(
            base_currency_code="EUR",
            currencies=[
                Currency(currency_code="CHF", deal_count=2, rate=RATE),
                Currency(currency_code="USD", deal_count=1),
            ],
        ),
        "ListRates": ListRatesResponse(rates=[RATE], next_page_token="next"),
        "PutRates": PutRatesResponse(changed=1),
        "ImportRates": PutRatesResponse(changed=12),
        "DeleteRate": None,
    }
