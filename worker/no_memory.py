"""Whether an error says that there was no memory left."""

from __future__ import annotations

WORDS = (
    "can't allocate memory",
    "cannot allocate memory",
    "failed to map segment",
    "bad_alloc",
    "could not create a primitive",  # oneDNN's, for a product whose code finds no room
)
"""What errors say, in lower case, that come of a failed allocation and have no class of their own."""


def is_out_of_memory(error: BaseException | None) -> bool:
    """Look at its class and words; torch says so in words, and an import that fails for it has a cause."""
    while error is not None:
        named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"  # the latter CUDA's
        if named or any(words in str(error).lower() for words in WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False
