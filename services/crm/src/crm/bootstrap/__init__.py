"""Settings → the running process: the only place that picks implementations.

A module per process, so that a worker at rest holds nothing it does not use.
"""
