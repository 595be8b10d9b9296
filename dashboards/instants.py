"""Instants as an address has them."""

from linksla.clock import parse_instant


def instant_of(text: str) -> int:
    """Return an instant of a query as epoch seconds.

    Raises:
        ValueError: it is none.
        OverflowError: it is beyond the calendar.
    """
    # A plus sign that was not quoted arrives as a space.
    return parse_instant(text.replace(" ", "+"))
