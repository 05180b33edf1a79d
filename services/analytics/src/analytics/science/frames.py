"""A data frame from plain columns, for callers that must not import pandas themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def frame(columns: Mapping[str, object]) -> pd.DataFrame:
    """Columns of equal length, in the order given."""
    import pandas as pd

    return pd.DataFrame(dict(columns))
