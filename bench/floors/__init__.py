"""Floors: the same reads and writes with nothing around them.

No permissions, no validation beyond types, no history, no idempotency, no metrics: what the parts
cost by themselves. `monolith` is one FastAPI process on the database, `gateway` and `service` have
a gRPC hop between them, as the platform has.
"""
