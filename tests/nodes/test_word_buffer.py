import random
import re

import pytest

from vflow import MS, SECOND, Eos, Gap, Harness, PropertyError, SpokenUnit, TextPacket, TurnEnd
from vflow_nodes.word_buffer import LONGEST, WordBuffer

REPLY = (
    "The capital of France is Paris, which lies on the river Seine in the north of the country. It is known"
    " for its museums and its food, and more people visit it each year than live in all of Norway. If you"
    " go there in the spring you should walk along the water in the evening when the lights come on and the"
    " crowds have gone home."
)


def words(text, turn=1):
    return [TextPacket(text=w, index=i, turn=turn, pts_ns=i * MS) for i, w in enumerate(text.split())]


def texts(items):
    return [item.text for item in items if isinstance(item, TextPacket)]


@pytest.fixture
def harness():
    with Harness(WordBuffer()) as made:
        yield made


def test_first_chunk_goes_out_at_first_words(harness):
    one, two, three, *_ = words("The capital of France")
    harness.push(one)
    assert harness.pull() == []
    harness.push(two)
    harness.push(three)
    assert texts(harness.pull()) == ["The capital"]


def test_a_word_of_spaces_counts_as_none(harness):
    harness.push(TextPacket(text=" ", turn=1))
    assert harness.push(words("The")[0]) == []


@pytest.mark.parametrize("word", ["Yes.", "1.", 'Sure!"', "Really?", "**Hello.**", "Well,", "So…", "No--"])
def test_first_chunk_goes_out_at_a_punctuation_mark(harness, word):
    assert texts(harness.push(words(word)[0])) == [word]


def unit(written, spoken, index=0):
    return TextPacket(text=written, units=(SpokenUnit(written, spoken),), index=index, turn=1)


def test_a_unit_is_never_split_and_counts_its_written_words(harness):
    harness.push(unit("About", "about"))
    assert harness.pull() == []
    harness.push(unit("$1.5 million", "one point five million dollars", 1))
    (chunk,) = harness.pull()
    assert chunk.text == "About $1.5 million"
    assert chunk.spoken == "about one point five million dollars"
    assert [u.written for u in chunk.units] == ["About", "$1.5 million"]


def test_a_unit_without_words_leaves_with_the_chunk(harness):
    harness.push(unit("$1.5", "one point five"))
    harness.push(unit("", "dollars"))
    harness.event(TurnEnd(turn=1))
    chunk, _ = harness.pull()
    assert (chunk.text, chunk.spoken) == ("$1.5", "one point five dollars")


@pytest.mark.parametrize(("spoken", "goes"), [("a m", False), ("U S.", True), ("no.", True), ("I.", True)])
def test_the_marks_of_the_spoken_form_count(harness, spoken, goes):
    assert bool(harness.push(unit("it.", spoken))) is goes


@pytest.mark.parametrize("word", ["Dr.", "J.", "e.g.", "3.5", "Paris"])
def test_a_word_without_an_end_waits(harness, word):
    assert harness.push(words(word)[0]) == []


def test_a_single_word_waits_no_longer_than_max_wait(harness):
    harness.push(words("Hmm")[0])
    assert harness.advance(499 * MS) == []
    assert texts(harness.advance(2 * MS)) == ["Hmm"]


def test_turn_end_sends_out_the_rest_before_itself(harness):
    harness.lead = 5 * SECOND
    for word in words("The capital of France is"):
        harness.push(word)
    end = TurnEnd(turn=1)
    harness.event(end)
    assert [getattr(i, "text", i) for i in harness.pull()] == ["The capital", "of France is", end]


def test_end_of_stream_sends_out_the_rest(harness):
    harness.push(words("Bye")[0])
    assert [type(i) for i in harness.eos()] == [TextPacket, Eos]


def test_chunk_has_index_turn_and_pts_of_its_first_word(harness):
    harness.lead = 0
    out = []
    for word in words("The capital of France is Paris.", turn=3):
        harness.push(word)
        out += harness.advance(400 * MS)
    assert " ".join(texts(out)) == "The capital of France is Paris."
    at = 0
    for chunk in out:
        assert (chunk.index, chunk.turn, chunk.pts_ns) == (at, 3, at * MS)
        at += len(chunk.text.split())


def test_long_lead_waits_for_the_clause(harness):
    harness.lead = 5 * SECOND
    out = []
    for word in words(REPLY):
        harness.push(word)
        out += harness.advance(60 * MS)
    assert texts(out)[:4] == [
        "The capital",
        "of France is Paris,",
        "which lies on the river Seine in the north of the country.",
        "It is known for its museums and its food,",
    ]


def test_short_lead_hands_on_then_words(harness):
    harness.lead = 300 * MS
    for word in words("They say much about nothing whatever here today"):
        harness.push(word)
    assert texts(harness.pull()) == ["They say"]  # which is itself still to be played
    assert [len(t.split()) for t in texts(harness.advance(500 * MS))] == [6]


def test_a_chunk_does_not_end_on_a_weak_word_while_there_is_time(harness):
    harness.push(words("Hello.")[0])
    harness.pull()
    harness.advance(SECOND)
    harness.lead = 300 * MS
    out = [texts(harness.push(w)) for w in words("People walk along the water today")]
    assert out[3] == []
    assert out[4] == ["People walk along the water"]


def test_a_chunk_is_never_made_shorter_than_then_words_for_its_weak_end(harness):
    harness.push(words("Hello.")[0])
    harness.pull()
    harness.advance(SECOND)
    harness.lead = 300 * MS
    for word in words("People walk along the"):
        harness.push(word)
    assert harness.pull() == []
    harness.lead = 100 * MS
    assert texts(harness.advance(400 * MS)) == ["People walk along the"]


def test_a_weak_end_is_left_to_the_next_chunk_when_little_is_left(harness):
    harness.push(words("Hello.")[0])
    harness.pull()
    harness.advance(SECOND)
    harness.lead = 60 * SECOND
    for word in words("People walk along rivers and the of"):
        harness.push(word)
    harness.lead = 100 * MS
    assert texts(harness.push(words("the")[0])) == ["People walk along rivers"]


def test_then_words_go_out_at_once_when_little_is_left_to_play(harness):
    harness.push(words("Hello.")[0])
    harness.pull()
    harness.advance(SECOND)
    harness.lead = 300 * MS
    *three, fourth = words("People walk along rivers")
    for word in three:
        assert harness.push(word) == []
    assert texts(harness.push(fourth)) == ["People walk along rivers"]


def test_a_long_chunk_that_the_tts_still_works_on_counts_as_to_be_played(harness):
    harness.push(words("Internationalization.")[0])
    harness.pull()
    assert harness.push(words("Yes then")[1]) == [], "90 ms and 30 for each letter, more than the margin"


def test_nothing_left_to_play_hands_on_a_single_word(harness):
    harness.push(words("Hello.")[0])
    harness.pull()
    harness.advance(SECOND)
    assert texts(harness.push(words("Hello. then")[1])) == ["then"]


def test_chunks_are_bounded(harness):
    harness.lead = 60 * SECOND
    for word in words("word " * 60):
        harness.push(word)
    assert [len(t.split()) for t in texts(harness.pull())] == [2, LONGEST, LONGEST]


def test_word_of_another_turn_sends_out_the_rest_first(harness):
    harness.push(words("Hmm", turn=1)[0])
    harness.push(words("Yes.", turn=2)[0])
    assert [(i.text, i.turn) for i in harness.pull()] == [("Hmm", 1), ("Yes.", 2)]


def test_each_turn_begins_with_a_first_chunk(harness):
    for turn in (1, 2):
        for word in words("We know it", turn=turn):
            harness.push(word)
        harness.event(TurnEnd(turn=turn))
    assert texts(harness.pull()) == ["We know", "it", "We know", "it"]


def test_flush_forgets_and_stops_the_timer(harness):
    harness.push(words("Hmm")[0])
    harness.flush(turn=1)
    assert harness.advance(SECOND) == []
    harness.event(TurnEnd(turn=1))
    assert texts(harness.pull()) == []


def test_a_reply_that_begins_anew_after_a_flush_begins_with_a_first_chunk(harness):
    one, two, three, four = words("We know it now")
    for word in (one, two):
        harness.push(word)
    assert texts(harness.pull()) == ["We know"]
    harness.flush(turn=1)
    harness.advance(SECOND)
    assert harness.push(three) == []
    assert texts(harness.push(four)) == ["it now"]


class Counted(WordBuffer):
    looks = 0

    def on_timer(self):
        self.looks += 1
        yield from super().on_timer()


def test_after_the_end_of_a_reply_nothing_is_looked_at():
    with Harness(Counted()) as harness:
        harness.push(words("Hmm")[0])
        harness.event(TurnEnd(turn=1))
        harness.advance(SECOND)
        assert harness.node.looks == 0


def test_words_with_a_weak_end_are_not_looked_at_again_and_again():
    with Harness(Counted()) as harness:
        harness.push(words("Hello.")[0])
        harness.pull()
        harness.advance(SECOND)
        harness.lead = 300 * MS
        for word in words("People walk along the"):
            harness.push(word)
        before = harness.node.looks
        assert harness.advance(30 * MS) == []
        assert harness.node.looks == before


def test_then_words_go_out_as_soon_as_less_than_the_margin_is_left():
    class Playing(Harness):
        def lead_ns(self):
            return max(0, self.lead - self.time_ns)

    with Playing(WordBuffer()) as harness:
        harness.push(words("Hello.")[0])
        harness.pull()
        harness.advance(SECOND)
        harness.lead = harness.time_ns + 450 * MS
        for word in words("People walk along rivers"):
            harness.push(word)
        assert texts(harness.advance(50 * MS)) == []
        assert texts(harness.advance(2 * MS)) == ["People walk along rivers"]


def test_a_word_is_not_looked_at_again_before_it_may_become_due():
    with Harness(Counted()) as harness:
        harness.lead = 5 * SECOND
        for word in words("The capital of"):
            harness.push(word)
        assert texts(harness.pull()) == ["The capital"]
        assert harness.advance(SECOND) == []
        assert harness.node.looks == 0
        harness.event(TurnEnd(turn=1))
        harness.pull()
        harness.advance(SECOND)
        harness.lead = 300 * MS
        harness.push(words("Hello.", turn=2)[0])
        harness.pull()
        harness.advance(SECOND)
        before = harness.node.looks
        for word in words("people walk", turn=2):
            harness.push(word)
        assert harness.advance(100 * MS) == []
        assert harness.node.looks == before, "too few words to hand on, and none has waited for long"


def buffer_that_plays(lead_ms=0, **props):
    """Return a buffer whose first chunk went out a second ago, so that only the lead is unplayed."""
    harness = Harness(WordBuffer(**props))
    harness.__enter__()
    harness.push(words("Hello.")[0])
    harness.pull()
    harness.advance(SECOND)
    harness.lead = round(lead_ms * MS)
    return harness


def push_all(harness, text):
    """Push words at the same moment; return the chunks that went out."""
    for word in words(text):
        harness.push(word)
    return texts(harness.pull())


THIRD_MS = 400 / 3


@pytest.mark.parametrize(
    ("lead_ms", "waiting", "goes"),
    [
        (400, "People walk along rivers", None),  # no less than the margin
        (399.999999, "People walk along rivers", "People walk along rivers"),
        (399, "People walk along", None),
        (399, "People walk along the", None),
        (399, "so,", "so,"),
        (400, "so,", None),
        (400, "so they say,", None),
        (400, "so they say now,", "so they say now,"),
        (400, "so they say again now,", "so they say again now,"),
        (5000, "so.", "so."),
        (THIRD_MS, "so", None),
        (THIRD_MS - 0.000001, "so", "so"),
        (THIRD_MS - 0.000001, "the", "the"),
        (5000, "word " * 24, None),
        (5000, "word " * 25, ("word " * 25).strip()),
    ],
)
def test_how_many_words_leave_depends_on_the_audio_left_to_play(lead_ms, waiting, goes):
    assert push_all(buffer_that_plays(lead_ms), waiting) == ([] if goes is None else [goes])


@pytest.mark.parametrize("weak", ["and", "and the", "and of the", "and of the The"])
def test_all_weak_words_at_the_end_are_left_to_the_next_chunk(weak):
    harness = buffer_that_plays(5000)
    *before, last = words("People walk along rivers " + weak)
    for word in before:
        assert harness.push(word) == []
    harness.lead = 100 * MS
    assert texts(harness.push(last)) == ["People walk along rivers"]


def test_weak_words_within_a_chunk_stay():
    harness = buffer_that_plays(5000)
    assert push_all(harness, "We sat by the") == []
    harness.lead = 100 * MS
    assert push_all(harness, "river") == ["We sat by the river"]


@pytest.mark.parametrize(
    ("lead_ms", "waiting", "after_ms"),
    [
        (5000, "so", 4601),  # when less than the margin is left
        (600, "so they say", 600 - THIRD_MS + 1),  # a third of it, before they have waited for long
        (600, "People walk along rivers", 201),
        (399, "People walk along the", 399 - THIRD_MS + 1),
        (300, "so", 300 - THIRD_MS + 1),
        (THIRD_MS, "so", 1),
    ],
)
def test_the_next_look_is_when_the_words_may_become_due(lead_ms, waiting, after_ms):
    harness = buffer_that_plays(lead_ms)
    assert push_all(harness, waiting) == []
    assert harness.timer_ns - harness.time_ns == pytest.approx(after_ms * MS, abs=1)


def test_a_word_that_waited_goes_out_exactly_after_max_wait_while_little_is_left():
    harness = buffer_that_plays(300)
    assert push_all(harness, "the") == []
    harness.advance(200 * MS)
    assert push_all(harness, "end") == []
    assert harness.advance(300 * MS - 1) == []
    assert texts(harness.advance(1)) == ["the end"]


def test_a_word_waits_longer_than_max_wait_while_much_is_left():
    harness = buffer_that_plays(450)
    assert push_all(harness, "so") == []
    assert harness.advance(5 * SECOND) == []


def left_ms(harness):
    """Return how much audio the buffer believes is unplayed, in ms, by the time at which it looks again."""
    assert push_all(harness, "so") == []
    return round((harness.timer_ns - harness.time_ns) / MS + THIRD_MS - 1, 3)


def test_a_chunk_lasts_90_ms_for_each_word_and_30_for_each_letter():
    harness = buffer_that_plays(0)
    assert push_all(harness, "Yes.") == ["Yes."]
    assert left_ms(harness) == 90 + 3 * 30
    harness = buffer_that_plays(0)
    assert len(harness.push(unit("$20.", "twenty dollars."))) == 1
    harness.pull()
    assert left_ms(harness) == 2 * 90 + 13 * 30


def test_while_the_tts_is_at_work_all_of_the_last_chunk_is_to_be_played():
    harness = buffer_that_plays(0)
    push_all(harness, "Yes.")
    harness.advance(100 * MS)
    assert left_ms(harness) == 180


def test_chunks_that_were_handed_on_play_one_after_another():
    harness = buffer_that_plays(0)
    push_all(harness, "Yes.")
    push_all(harness, "Yes.")
    harness.advance(30 * MS)
    assert left_ms(harness) == 2 * 180 - 30
    harness = buffer_that_plays(300)
    push_all(harness, "Yes.")
    harness.lead = 0
    harness.advance(30 * MS)
    assert left_ms(harness) == 300 + 180 - 30


def test_a_chunk_that_plays_already_lasts_as_much_less_as_time_has_passed():
    harness = buffer_that_plays(0)
    push_all(harness, "Yes.")
    harness.lead = 10 * MS
    harness.advance(40 * MS)
    assert left_ms(harness) == 180 - 40
    harness = buffer_that_plays(0)
    push_all(harness, "Yes.")
    harness.lead = 10 * MS
    harness.advance(100 * MS)
    assert push_all(harness, "so") == ["so"]


def test_a_lead_longer_than_the_estimate_counts():
    harness = buffer_that_plays(0)
    push_all(harness, "Yes.")
    harness.lead = 350 * MS
    assert left_ms(harness) == 350


def test_a_margin_after_a_chunk_only_the_lead_counts():
    harness = buffer_that_plays(390)
    push_all(harness, "Internationalization.")
    harness.advance(400 * MS - 1)
    harness.lead = 200 * MS
    assert push_all(harness, "so") == []
    assert harness.timer_ns - harness.time_ns > 400 * MS
    harness.advance(1)
    assert push_all(harness, "it") == []
    assert left_ms(harness) == 200


def test_an_event_within_a_reply_sends_nothing_out():
    harness = buffer_that_plays(5000)
    push_all(harness, "so they")
    assert texts(harness.event(Gap())) == []
    harness.pull()
    assert push_all(harness, "say now,") == ["so they say now,"]


def test_a_reply_without_a_number_begins_with_a_first_chunk_too(harness):
    for _ in range(2):
        for word in words("We know it", turn=0):
            harness.push(word)
        harness.event(TurnEnd())
    assert texts(harness.pull()) == ["We know", "it", "We know", "it"]


def test_a_retraction_of_another_turn_forgets_nothing(harness):
    harness.push(words("Hmm", turn=2)[0])
    harness.retracted(1)
    assert texts(harness.advance(SECOND)) == ["Hmm"]


def test_words_come_in_and_chunks_go_out_and_a_long_reply_waits_in_front():
    assert (WordBuffer.text.caps.kind, WordBuffer.out.caps.kind) == ("word", "chunk")
    assert WordBuffer.text.queue.packets == 256


def test_first_is_at_least_one():
    with pytest.raises(PropertyError, match="at least 1"):
        WordBuffer(first=0)


class Room(Harness):
    """A buffer followed by a TTS and a speaker: chunks become audio one after another."""

    def __init__(self, node, synthesis_ns, letter_ns):
        super().__init__(node)
        self.synthesis_ns, self.letter_ns = synthesis_ns, letter_ns
        self.free_ns = 0
        self.audio = []  # (delivered, starts, stops, text)

    def lead_ns(self):
        stops = [stop for delivered, _, stop, _ in self.audio if delivered <= self.time_ns]
        return max(0, max(stops, default=0) - self.time_ns)

    def speak(self, chunks):
        for text in texts(chunks):
            self.free_ns = max(self.free_ns, self.time_ns) + self.synthesis_ns
            start = max(self.free_ns, self.audio[-1][2] if self.audio else 0)
            letters = len(re.sub(r"\W", "", text))
            pause = 140 * MS if text[-1] == "," else 280 * MS if text[-1] in ".!?" else 0
            lasts = letters * self.letter_ns + 60 * MS * len(text.split())
            self.audio.append((self.free_ns, start, start + lasts + pause, text))

    def pass_time(self, ns):
        """Advance time in steps, so that a chunk is spoken when it is handed on."""
        for _ in range(ns // MS):
            self.speak(self.advance(MS))


@pytest.mark.parametrize("words_per_s", [12, 15, 25, 35])
@pytest.mark.parametrize("synthesis_ms", [15, 40, 80])
@pytest.mark.parametrize("reply", [REPLY, "I am " + REPLY, "It is a " + REPLY])
def test_no_hole_within_a_clause(words_per_s, synthesis_ms, reply):
    draw = random.Random(words_per_s * 100 + synthesis_ms)
    with Room(WordBuffer(), synthesis_ms * MS, letter_ns=48 * MS) as room:
        for word in words(reply):
            room.push(word)
            room.speak(room.pull())
            room.pass_time(round(draw.uniform(0.4, 1.6) * SECOND / words_per_s))
        room.event(TurnEnd(turn=1))
        room.speak(room.pull())
    holes = [
        (start - stop, before)
        for (_, _, stop, before), (_, start, _, _) in zip(room.audio, room.audio[1:], strict=False)
        if before[-1].isalpha()
    ]
    assert max(holes, default=(0, ""))[0] <= 60 * MS
    assert " ".join(a[3] for a in room.audio) == reply
    sizes = [len(a[3].split()) for a in room.audio]
    assert sum(sizes) / len(sizes) >= 3.5
