"""Years in which business is done."""

from datetime import date

# Outside of them lie typing errors, and the ends of the calendar, where a day of one time zone is
# none in another.
FIRST_YEAR, LAST_YEAR = 1900, 2199


def is_plausible(day: date) -> bool:
    """Whether a day or an instant lies in a year that somebody may mean."""
    return FIRST_YEAR <= day.year <= LAST_YEAR
