"""The spoken form of a reply: how a good reader says the words that a model wrote.

It imports nothing of vflow, has no thread and reads no clock.
"""

from vflow_nodes.lib.spoken_form.form import SpokenForm, language
from vflow_nodes.lib.spoken_form.reading import Unit

__all__ = ["SpokenForm", "Unit", "language"]
