"""`chat`: a language model that answers transcripts with words."""

from vflow_nodes.chat.chat import Chat

__all__ = ["Chat"]
