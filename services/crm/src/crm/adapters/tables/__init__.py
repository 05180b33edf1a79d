"""The tables of crm: for migrations, and to write statements with.

The workspace comes first in every key. With it in the foreign keys, too, nothing can point into
another tenant, whatever the code does.
"""

from crm.adapters.tables.activities import activities
from crm.adapters.tables.base import metadata
from crm.adapters.tables.calendars import calendar_feeds
from crm.adapters.tables.clients import client_keys, clients
from crm.adapters.tables.contacts import deal_contacts
from crm.adapters.tables.custom_fields import custom_fields
from crm.adapters.tables.deals import board_totals, deal_history, deals
from crm.adapters.tables.exports import exports
from crm.adapters.tables.imports import import_errors, import_rows, imports
from crm.adapters.tables.merges import known_as_two, merges
from crm.adapters.tables.rates import currency_rates
from crm.adapters.tables.records import record_history
from crm.adapters.tables.search import search_index, search_terms
from crm.adapters.tables.views import tags, view_choices, views
from crm.adapters.tables.workspaces import (
    lost_reasons,
    owners,
    removed_stages,
    stages,
    workspaces,
)

__all__ = [
    "activities",
    "board_totals",
    "calendar_feeds",
    "client_keys",
    "clients",
    "currency_rates",
    "custom_fields",
    "deal_contacts",
    "deal_history",
    "deals",
    "exports",
    "import_errors",
    "import_rows",
    "imports",
    "known_as_two",
    "lost_reasons",
    "merges",
    "metadata",
    "owners",
    "record_history",
    "removed_stages",
    "search_index",
    "search_terms",
    "stages",
    "tags",
    "view_choices",
    "views",
    "workspaces",
]
