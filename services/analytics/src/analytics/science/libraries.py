"""What our libraries would load, and nobody here asks for: half the memory of all of them.

pandas looks for pyarrow, Prophet for what draws its pictures. Each does without what is not
installed, so for the process with the science it is not. statsforecast's front loads what spreads
work over clusters, and its ARIMA all of statsmodels: neither is run, for of the one we use modules
behind it, of the other a function that needs none.
"""

from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from sys import modules

ABSENT = ("pyarrow", "polars", "matplotlib", "plotly")
"""Libraries that others would use if they were there."""

FRONTS = ("statsforecast", "statsmodels.api")
"""Modules that load much when they run, of which nothing but what lies behind them is used."""

ALWAYS = ("pandas", "scipy.special")
"""What every scoring uses."""


def load() -> None:
    """Load what is used in any case, while there is something to wait for."""
    for name in ALWAYS:
        import_module(name)


def leave_out() -> None:
    """For this whole process; said before any library is loaded."""
    for name in ABSENT:
        modules.setdefault(name, None)  # type: ignore[arg-type]  # None is what import refuses
    for name in FRONTS:
        spec = _found(name)
        if spec is not None:
            modules.setdefault(name, module_from_spec(spec))  # knows its folder, and never runs


def _found(name: str) -> ModuleSpec | None:
    """Without running what it belongs to."""
    package, _, _ = name.rpartition(".")
    if not package:
        return find_spec(name)
    above = find_spec(package)
    return above and PathFinder.find_spec(name, above.submodule_search_locations)
