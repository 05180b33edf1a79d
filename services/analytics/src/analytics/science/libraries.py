"""What our libraries would load, and nobody here asks for: a third of the memory of all of them.

pandas looks for pyarrow, Prophet for what draws its pictures, statsforecast's front for what
spreads its work over clusters. Each of them does without what is not installed, so for the process
with the science it is not.
"""

from importlib import import_module, util
from sys import modules

ABSENT = ("pyarrow", "polars", "matplotlib", "plotly")
"""Libraries that others would use if they were there."""

FRONTS = ("statsforecast",)
"""Packages whose modules are used, but nothing of what they load when they are entered."""

ALWAYS = ("pandas", "scipy.special")
"""What every scoring uses."""


def load() -> None:
    """Load what is used in any case, while there is something to wait for."""
    for name in ALWAYS:
        import_module(name)


def leave_out() -> None:
    """For this whole process; said before any library is loaded."""
    absent: dict[str, object] = dict.fromkeys(ABSENT)
    for name in FRONTS:
        spec = util.find_spec(name)
        if spec is not None:
            absent[name] = util.module_from_spec(spec)  # with the folder of its modules, never run
    for name, instead in absent.items():
        modules.setdefault(name, instead)  # type: ignore[arg-type]  # None is what import refuses
