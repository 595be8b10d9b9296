"""Loops over samples as machine code, compiled by numba when a module is first imported.

numpy needs a dozen passes over memory for what one loop says plainly; a poll of 400,000 samples
does not fit a cache. Kept for what is counted per sample: everything else stays Python.
"""

from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar, cast

import numba
from numba import types

_P = ParamSpec("_P")
_R = TypeVar("_R")

INT64S: Final[Any] = types.Array(types.int64, 1, "C", readonly=True)
"""A column of integers: a loop may read it, wherever it comes from (Arrow's may not be written)."""
INT32S: Final[Any] = types.Array(types.int32, 1, "C", readonly=True)
FLOAT64S: Final[Any] = types.Array(types.float64, 1, "C", readonly=True)
INT64S_OWN: Final[Any] = types.Array(types.int64, 1, "C")
"""A column that a loop writes into."""
FLOAT64S_OWN: Final[Any] = types.Array(types.float64, 1, "C")
BOOLS: Final[Any] = types.Array(types.boolean, 1, "C", readonly=True)
BOOLS_OWN: Final[Any] = types.Array(types.boolean, 1, "C")
INT64_TABLE: Final[Any] = types.Array(types.int64, 2, "C")
INT64: Final[Any] = types.int64


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
