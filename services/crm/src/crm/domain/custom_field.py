"""Fields that a workspace adds to its clients and deals."""

from enum import StrEnum

FILTER_PREFIX = "cf_"  # before the key of a custom field, wherever a filter names it


class FieldType(StrEnum):
    """What a custom field holds."""

    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    SELECT = "select"
    MULTI_SELECT = "multi_select"
    URL = "url"
    CHECKBOX = "checkbox"


class Resource(StrEnum):
    """Whose fields they are."""

    CLIENTS = "clients"
    DEALS = "deals"
