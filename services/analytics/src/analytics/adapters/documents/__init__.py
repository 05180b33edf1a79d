"""The dashboard as PDF."""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from kit import documents


def pdf(data: Mapping[str, Any]) -> bytes:
    """One document, readable by assistive technology."""
    return documents.pdf(files("analytics.adapters.documents"), "report.typ", data)
