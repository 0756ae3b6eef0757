"""A session whose client is away."""

from __future__ import annotations

from pathlib import Path

from tests import scripted_agent
from tests.web.live import agent
from vflow.session import ReplyAudio, Session
from vflow.session.ends import Ends
from vflow.web.absence import AWAY, standing_still
from vflow.web.playback import Playback
from vflow.web.roster import Guest


def test_reply_stops_while_the_client_is_away(tmp_path: Path) -> None:
    guest, playback = Guest("page"), Playback(promised=False)
    guest.state = "speaking"
    with agent(tmp_path, word_ms=20) as preloaded, Session(preloaded) as session:
        with standing_still(session, playback, guest):
            assert guest.state == AWAY
            turn = session.ask("go on")
            words = 0
            while words < len(scripted_agent.REPLY.split()):
                event = session.get()
                assert not isinstance(event, ReplyAudio)
                words += type(event).__name__ == "ReplyWord"
        assert guest.state == "speaking"
        while not isinstance(event := session.get(), ReplyAudio):
            pass
        assert event.turn == turn
        assert Ends(session.pipeline).has_output
