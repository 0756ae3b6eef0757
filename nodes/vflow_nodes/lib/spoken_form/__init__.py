"""The spoken form of a reply: what a good reader says for the words that a model wrote.

It imports nothing of vflow, holds no thread and reads no clock.
"""

from vflow_nodes.lib.spoken_form.form import SpokenForm, language
from vflow_nodes.lib.spoken_form.reading import Unit

__all__ = ["SpokenForm", "Unit", "language"]
