"""Options that several commands share, and how their text is read."""

from __future__ import annotations


def parse_seeds(text: str) -> list[int]:
    """``"0-9"``, ``"3"`` or ``"0-4,7"`` as a list of seeds.

    Raises:
        ValueError: anything else.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low, high = int(first), int(last if dash else first)
        except ValueError:
            raise ValueError(
                f"seeds {text!r}: {part!r} is neither a number nor a range such as 0-9"
            ) from None
        if high < low:
            raise ValueError(f"seeds {text!r}: {part!r} runs backwards")
        seeds.extend(range(low, high + 1))
    return seeds


def parse_counts(text: str, what: str) -> list[int]:
    """``"32,64"`` as positive numbers.

    Raises:
        ValueError: anything else.
    """
    try:
        counts = [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"{what} {text!r} is not a list of numbers such as 32,64") from None
    if min(counts) < 1:
        raise ValueError(f"{what} {text!r}: every number must be positive")
    return counts
