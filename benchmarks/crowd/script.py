"""The times, words and sound of scripted models, the same for each system. Standard library only: peers in an
environment of their own import it too."""

from __future__ import annotations

import array
import math

MIC_RATE, VOICE_RATE = 16_000, 24_000
STT_S = 0.08
"""From the end of an utterance to its text."""
FIRST_WORD_S, WORD_S = 0.06, 0.02
"""To the first word of a reply, and between two."""
CHUNK_S = 0.05
"""The voice takes this for each chunk of words."""
CHUNKS = (2, 4)
"""Words of the first chunk, and of each later one."""
SOUND_S = 0.25
"""How long a word sounds."""
TRANSCRIPT = "What is the capital of France?"
REPLY = "The capital of France is Paris, which lies on the river Seine"
SCRIPTED_S = STT_S + FIRST_WORD_S + WORD_S * (CHUNKS[0] - 1) + CHUNK_S
"""From the end of an utterance to the first sound, were nothing but the models to take time."""
REPLY_S = SOUND_S * len(REPLY.split())
BLOCK_S = 0.1
"""The voice's sound comes in blocks of this length."""


def tone(seconds: float) -> array.array[int]:
    """PCM16 of a sound that is never silent for as long as a block."""
    count = round(seconds * VOICE_RATE)
    return array.array("h", (round(6_000 * math.sin(0.1 * at)) for at in range(count)))
