"""The table of English."""

from vflow_nodes.lib.spoken_form.english.table import ENGLISH

__all__ = ["ENGLISH"]
