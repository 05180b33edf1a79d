"""How long to wait after a batch: a rush shares transactions, and nobody waits for one event.

A batch costs as much as several events: rows that come one by one every few milliseconds would each
pay for a transaction, an acknowledgement and a round of everything behind them.
"""

EACH = 0.02  # seconds for each event of the batch that has just been handled
LONGEST = 0.1


def rest_after(handled: int) -> float:
    """Seconds: next to none after a single event, longer the more arrived together."""
    return min(LONGEST, EACH * max(1, handled))
