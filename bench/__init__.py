"""Measurements of the running platform beside floors that show what its parts must cost."""
