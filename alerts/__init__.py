"""Verdicts and conditions in, messages to people out.

Alarms are rows of an outbox, written in the transaction that made them; a sender delivers them at
least once. Never measures, never judges.
"""
