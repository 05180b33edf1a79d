"""Expressions that dashboards ask again and again."""

CHOSEN = 'service=~"$service"'  # at the head of the page


def quantile(share: float, name: str, *by: str, where: str = "") -> str:
    """What so large a share of durations stays below."""
    labels = ", ".join((*by, "le"))
    return (
        f"histogram_quantile({share}, sum by ({labels})"
        f" (rate({name}_bucket{{{where}}}[$__rate_interval])))"
    )


def rate(name: str, *by: str, where: str = "") -> str:
    """How much a counter grows in a second."""
    return f"sum by ({', '.join(by)}) (rate({name}{{{where}}}[$__rate_interval]))"
