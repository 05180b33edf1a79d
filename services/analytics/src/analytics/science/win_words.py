"""What a column says of a deal, as a sentence: known columns by their own, others by their name.

Before the colon stands what is true of the deal, after it what others are like: whoever may not
know of others is told the first half only.
"""

_DAYS = {
    "age in days": "Open for {}",
    "days in stage": "In this stage for {}",
    "days since the last contact": "Last contact {} ago",
    "days since the client last bought": "The client last bought {} ago",
}
_CLOSE, _MOVED = "days to the expected close", "times the close date moved"


def of_number(name: str, value: float, usual: float) -> str:
    """A number and what is usual."""
    if name in _DAYS:
        return f"{_DAYS[name].format(_count(value, 'day'))}: {usual:,.0f} is usual"
    if name == _CLOSE:
        said = "Expected to close in {}" if value >= 0 else "Expected to close {} ago"
        ahead = f"in {_count(usual, 'day')}" if usual >= 0 else f"{_count(-usual, 'day')} ago"
        return f"{said.format(_count(abs(value), 'day'))}: {ahead} is usual"
    if name == _MOVED:
        return f"Close date moved {_count(value, 'time')}: {usual:,.0f} is usual"
    return f"{_headed(name)} {value:,.6g}: {usual:,.6g} is usual"


def of_category(name: str, label: str, wins: int, n: int) -> str:
    """A category and how deals of it ended."""
    return f"{_headed(name)} {label}: {wins} of {n} earlier deals won"


def of_client(wins: int, n: int) -> str:
    """How the deals of a client ended; not its name, which not everybody sees who sees the deal."""
    return f"This client: {wins} of {n} earlier deals won"


def of_new_category(name: str) -> str:
    """A category that no closed deal had."""
    return f"{_headed(name)}: nothing closed with it before"


def _count(number: float, noun: str) -> str:
    whole = round(number)
    return f"{whole:,} {noun}" if whole == 1 else f"{whole:,} {noun}s"


def _headed(name: str) -> str:
    return name[:1].upper() + name[1:]
