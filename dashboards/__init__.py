"""Verdicts in; web portal, JSON API and Grafana out.

Isolation between customers is `sla.scope`'s work, not a template's.
"""
