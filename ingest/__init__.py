"""Kafka or files in, Arrow samples out.

Takes off the frame, decodes whole polls, turns units into integers, sets aside what cannot be used
with its reason. Never writes to a database, never judges.
"""
