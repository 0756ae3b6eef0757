"""Make Voxtral's prompts, of tokens and audio, for a conversation or a transcript.

    <s>[INST]persona[BEGIN_AUDIO]###[/INST]reply</s>[INST]text[/INST]

The persona comes first in the first user turn: the model knows no system role together with audio. An empty
line separates two adjacent texts. Each `#` is an `Audio`, the embeddings of 30 s of speech.
Source: mistral-common, InstructTokenizerV7 of tokens/tokenizers/instruct.py, protocol/instruct/normalize.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vflow_nodes.generator.voxtral.tokens import Tokens

EMBEDDINGS = 375
"""Embeddings per window of 30 s."""


@dataclass(frozen=True, slots=True)
class Audio:
    """One encoded window of speech in a prompt.

    A cache takes two with equal identities for the same. So a window that is encoded anew, because it grew or
    a louder moment changed it, needs another identity.
    """

    identity: int
    length: int = EMBEDDINGS


Speech = tuple[Audio, ...]
"""An utterance: its windows, in order."""
Prompt = list[int | Audio]
"""Token ids and audio, in the model's order."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The user's words, and the answer.

    said: as audio or as text; several if the user spoke again before any reply was heard.
    reply: as text, or as the ids that the model made, so that their cache stays valid: their text, tokenised
        anew, may give other ids. Empty while there is none.
    """

    said: tuple[Speech | str, ...]
    reply: str | tuple[int, ...] = ""


class Prompts:
    """Makes the prompts of one vocabulary. Any thread. Raises: ValueError if the vocabulary has no audio."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.bos, self.eos = tokens.special("<s>"), tokens.special("</s>")
        self.audio = tokens.special("[AUDIO]")
        self._begin_audio = tokens.special("[BEGIN_AUDIO]")
        self._inst, self.end_inst = tokens.special("[INST]"), tokens.special("[/INST]")
        self._transcribe = tokens.special("[TRANSCRIBE]")

    def conversation(self, persona: str, turns: Sequence[Turn]) -> Prompt:
        """Return the tokens up to where the last turn's reply begins or, if it has one, ends.

        A conversation with one more turn begins with the same tokens. Raises: ValueError if a turn before the
        last has no reply, since nothing would separate it from the next.
        """
        prompt: Prompt = [self.bos]
        for index, turn in enumerate(turns):
            prompt += self._user((persona, *turn.said) if index == 0 else turn.said)
            if turn.reply:
                prompt += self._reply(turn.reply)
            elif index + 1 < len(turns):
                raise ValueError(
                    f"turn {index + 1} of {len(turns)} has no reply: join what was said to the next turn"
                )
        return prompt

    def opening(self, persona: str, turns: Sequence[Turn], unanswered: Sequence[Speech | str] = ()) -> Prompt:
        """Return the tokens before the next utterance's audio, which can be cached before the user speaks.

        turns: all with a reply. unanswered: what the user said since, without a reply that was heard.
        Raises: ValueError, as for `conversation`.
        """
        ahead = self.conversation(persona, [*turns, Turn((*unanswered, ()))])
        return ahead[:-1]  # without [/INST]

    def transcription(self, speech: Speech, language: str = "") -> Prompt:
        """Return the prompt for a transcript. language: two letters (ISO 639-1), or detected if empty.

        Raises: ValueError for another form of language.
        """
        if language and not (len(language) == 2 and language.isascii() and language.islower()):
            raise ValueError(f"a language is two small letters, such as 'en', not {language!r}")
        asked = self._tokens.encode(f"lang:{language}") if language else []
        return [self.bos, *self._user((speech,)), *asked, self._transcribe]

    def ids(self, prompt: Iterable[int | Audio]) -> list[int]:
        """Return the prompt with [AUDIO] in place of each embedding, as transformers writes it; for tests."""
        ids: list[int] = []
        for part in prompt:
            ids += [self.audio] * part.length if isinstance(part, Audio) else [part]
        return ids

    def _user(self, said: Iterable[Speech | str]) -> Prompt:
        user: Prompt = [self._inst]
        texts: list[str] = []
        for content in (*said, None):
            if isinstance(content, str):
                texts += [content] if content else []
                continue
            # encode them as one text: a token may span the seam
            user += self._tokens.encode("\n\n".join(texts))
            texts.clear()
            user += [] if content is None else [self._begin_audio, *content]
        return [*user, self.end_inst]

    def _reply(self, reply: str | tuple[int, ...]) -> list[int]:
        ids = self._tokens.encode(reply.rstrip(" ")) if isinstance(reply, str) else list(reply)
        return ids if ids and ids[-1] == self.eos else [*ids, self.eos]


def length(prompt: Iterable[int | Audio]) -> int:
    """Return how many positions a prompt takes in the model's context."""
    return sum(part.length if isinstance(part, Audio) else 1 for part in prompt)
