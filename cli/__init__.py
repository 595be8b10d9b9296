"""The command line: the only place that wires packages together."""
