"""What stays for good is not looked at by the garbage collector again."""

import gc

from cli.run import settle


class Node:
    """Something that refers to itself, as an inventory's objects may."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_is_left_alone_and_what_comes_later_is_collected() -> None:
    kept = Node()
    try:
        settle()
        assert not any(one is kept for one in gc.get_objects())
        later = Node()
        assert any(one is later for one in gc.get_objects())
    finally:
        gc.unfreeze()
