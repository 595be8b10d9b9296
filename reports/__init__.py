"""Verdicts in, PDF and CSV out, with the numbers of `sla.queries` and no others."""
