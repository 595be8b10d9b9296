"""What stays for good is not looked at by the garbage collector again."""

import gc

import pytest

from cli.run import settled


class Node:
    """Something that refers to itself, as an inventory's objects may."""

    def __init__(self) -> None:
        self.itself = self


def is_looked_at(kept: Node) -> bool:
    """Return whether the collector looks at an object."""
    return any(one is kept for one in gc.get_objects())


def test_what_was_there_is_left_alone_and_what_comes_later_is_collected() -> None:
    kept = Node()
    with settled():
        assert not is_looked_at(kept)
        later = Node()
        assert is_looked_at(later)


def test_at_the_end_all_is_collected_again_also_after_an_error() -> None:
    kept = Node()

    def fail() -> None:
        with settled():
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011  (it is ours)
        fail()

    assert is_looked_at(kept)
