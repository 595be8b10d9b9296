"""Spans and contracts in, verdicts out.

Judges with integers and exact fractions only, gives a reason with every verdict, and is the only
source of numbers for page, API, report and alert (`sla.queries`). Never talks to Kafka, never
reads a clock.
"""
