"""Loops over samples as machine code, compiled by numba when a module is first imported.

numpy needs a dozen passes over memory for what one loop says plainly; a poll of 400,000 samples
does not fit a cache. Kept for what is counted per sample: everything else stays Python.
"""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba
from numba import types
from numba.extending import intrinsic

_P = ParamSpec("_P")
_R = TypeVar("_R")

INT64S: Final[Any] = types.Array(types.int64, 1, "C", readonly=True)
"""A column of integers: a loop may read it, wherever it comes from (Arrow's may not be written)."""
INT32S: Final[Any] = types.Array(types.int32, 1, "C", readonly=True)
FLOAT64S: Final[Any] = types.Array(types.float64, 1, "C", readonly=True)
INT64S_OWN: Final[Any] = types.Array(types.int64, 1, "C")
"""A column that a loop writes into."""
FLOAT64S_OWN: Final[Any] = types.Array(types.float64, 1, "C")
UINT8S_OWN: Final[Any] = types.Array(types.uint8, 1, "C")
UINT8_TABLE: Final[Any] = types.Array(types.uint8, 2, "C")
INT32_TABLE: Final[Any] = types.Array(types.int32, 2, "C")
BOOLS: Final[Any] = types.Array(types.boolean, 1, "C", readonly=True)
BOOLS_OWN: Final[Any] = types.Array(types.boolean, 1, "C")
INT64_TABLE: Final[Any] = types.Array(types.int64, 2, "C")
INT64: Final[Any] = types.int64
BOOL: Final[Any] = types.boolean


def compiled(
    *arguments: object, is_short: bool = False
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Compile a function for arguments of these types, once: other types are an error.

    The machine code is cached beside the module, or in the user's cache where that may not be
    written; making it takes about 1 s a loop, reading it 10 ms. It runs outside Python's lock,
    unless it `is_short`: some tenths of a millisecond are less than to wait for the lock again.
    Integers are 64 bits and wrap around; nothing checks an index.
    """

    def compile_now(function: Callable[_P, _R]) -> Callable[_P, _R]:
        made = numba.njit([tuple(arguments)], nogil=not is_short, cache=True)(function)
        return cast(Callable[_P, _R], made)

    return compile_now


def inlined(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Put a function into the loops that call it: for what is done for each byte or two."""
    return cast(Callable[_P, _R], numba.njit(inline="always")(function))


def _at_address(bits: int, *, writes: bool) -> Any:
    """Return a function that reads (or writes) so many bits at an address, the least byte first.

    For loops that go over bytes in odd places: a view of an array is counted by numba each time it
    is handed to a function, which takes longer than what is done with it.
    """
    number: Any = {8: types.uint8, 64: types.int64}[bits]
    address_type: Any = types.int64
    nothing: Any = types.void

    def pointer(context: Any, builder: Any, address: Any) -> Any:
        return builder.inttoptr(address, context.get_value_type(number).as_pointer())

    def read(_typing: Any, address: Any) -> Any:
        def load(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.load(pointer(context, builder, arguments[0]), align=1)

        return number(address_type), load

    def write(_typing: Any, address: Any, value: Any) -> Any:
        def store(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            builder.store(arguments[1], pointer(context, builder, arguments[0]), align=1)
            return context.get_dummy_value()

        return nothing(address_type, number), store

    return intrinsic(write if writes else read)


octet_at: Final[Any] = _at_address(8, writes=False)
eight_octets_at: Final[Any] = _at_address(64, writes=False)
put_octet: Final[Any] = _at_address(8, writes=True)
put_eight_octets: Final[Any] = _at_address(64, writes=True)
