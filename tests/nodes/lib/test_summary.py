"""The request for a summary, and the text that replaces the turns."""

from __future__ import annotations

from vflow_nodes.lib.summary import HEADING, REQUEST, asked, instructed


def test_a_persona_says_what_was_said_earlier() -> None:
    assert instructed("Be kind.", "") == "Be kind."
    assert instructed("Be kind.", "Ada sails.") == f"Be kind.\n\n{HEADING} Ada sails."


def test_the_model_is_asked_for_the_notes_and_what_came_since() -> None:
    said = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}]
    (message,) = asked("Ada sails.", said)
    assert message["content"] == f"Notes: Ada sails.\nUser: Hi.\nAssistant: Hello.\n\n{REQUEST}"
    assert asked("", said)[0]["content"].startswith("User: Hi.")
