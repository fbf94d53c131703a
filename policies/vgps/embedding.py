"""A sentence as a vector, offline and without weights: hashed letter trigrams and words."""

from __future__ import annotations

import hashlib
import re

import numpy as np
from numpy.typing import NDArray

LENGTH = 32


def embed(sentence: str) -> NDArray[np.float32]:
    """Sentence -> float32 [LENGTH] of length 1; sentences that share words or word parts lie close."""
    words = re.findall(r"\w+", sentence.lower())
    pieces = [piece for word in words for piece in (word, *_trigrams(f"<{word}>"))]
    vector = np.zeros(LENGTH, np.float32)
    for piece in pieces:
        number = int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=8).digest(), "little")
        vector[number % LENGTH] += 1.0 if number >> 63 else -1.0
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def _trigrams(word: str) -> list[str]:
    return [word[k : k + 3] for k in range(len(word) - 2)]
