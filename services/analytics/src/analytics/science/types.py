"""The words every part of the science shares: what a factor is and how sure an answer can be."""

from dataclasses import dataclass

EVIDENCE = ("none", "prior", "low", "medium", "high")
"""Evidence levels from weakest to strongest; compare them by their position."""


@dataclass(frozen=True, slots=True)
class Factor:
    """One reason behind an answer: a stable name, a sentence to read, and how much it weighs.

    `weight` is signed: above zero raises the answer, below zero lowers it. Its unit belongs to the
    answer it explains (money for a forecast, log-odds for a probability).
    """

    name: str
    words: str
    weight: float
