"""Random numbers that are a pure function of what they are for.

Belongs here: splitmix64 in vectorised NumPy, and uniforms and normals made from it. Does not belong here: what is drawn.

There is no generator state: the number for (seed, day, case, slot, stream) is the same whether it is drawn alone, inside
any range, in any order or in another process.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.signedinteger]

# The constants of splitmix64 (Steele, Lea, Flood 2014).
_GOLDEN_GAMMA = 0x9E3779B97F4A7C15
_FIRST_MULTIPLIER = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_MULTIPLIER = np.uint64(0x94D049BB133111EB)
_64_BITS = 2**64 - 1
_32 = np.uint64(32)
_LOWER_HALF = np.uint64(2**32 - 1)

#: Streams a slot may use: slot * STREAMS + stream numbers every draw of a case.
STREAMS = 16


def case_keys(seed: int, days: Integers, indexes: Integers) -> Bits:
    """One key a case, from the seed, the day number of its intake date and its index in that day."""
    keys = _mixed(days.astype(np.uint64) + np.uint64(seed * _GOLDEN_GAMMA & _64_BITS))
    keys += indexes.astype(np.uint64) * np.uint64(_GOLDEN_GAMMA)
    return _mixed(keys)


def bits_for(keys: Bits, slot: int | Integers, stream: int) -> Bits:
    """64 random bits a key, for one slot (or one slot a key) and one stream."""
    if isinstance(slot, int):
        return _mixed(keys + np.uint64((slot * STREAMS + stream + 1) * _GOLDEN_GAMMA & _64_BITS))
    number = slot.astype(np.uint64)
    number *= np.uint64(STREAMS)
    number += np.uint64(stream + 1)
    number *= np.uint64(_GOLDEN_GAMMA)
    number += keys
    return _mixed(number)


def uniforms(bits: Bits) -> Floats:
    """Numbers in [0, 1), with 53 random bits each."""
    return np.asarray((bits >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def uniform_pairs(bits: Bits) -> tuple[Floats, Floats]:
    """Two independent numbers in (0, 1) of each 64 bits, with 32 random bits each."""
    upper, lower = (
        ((half + 0.5) * 2.0**-32).astype(np.float64, copy=False) for half in (bits >> _32, bits & _LOWER_HALF)
    )
    return upper, lower


def normals(bits: Bits) -> Floats:
    """Standard normal numbers (Box-Muller); none lies further out than 6.8."""
    radius, angle = uniform_pairs(bits)
    return np.asarray(np.sqrt(-2.0 * np.log(radius)) * np.cos(2.0 * np.pi * angle), dtype=np.float64)


def _mixed(bits: Bits) -> Bits:
    """splitmix64's finaliser, in place: every input bit flips every output bit with probability one half."""
    bits ^= bits >> np.uint64(30)
    bits *= _FIRST_MULTIPLIER
    bits ^= bits >> np.uint64(27)
    bits *= _SECOND_MULTIPLIER
    bits ^= bits >> np.uint64(31)
    return bits
