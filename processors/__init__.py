"""Samples in, rollups and spans out, in DuckDB.

One transaction holds samples, rollups, spans, rejects, ledger and the Kafka offsets. Never talks to
Kafka, never knows a contract.
"""
