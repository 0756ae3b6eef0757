"""The spans of a turn: those of the waterfall, and the model's, with the field's names."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vflow.otel.agent_facts import AgentFacts, NodeFacts
from vflow.otel.turn_spans import TurnSpan, turn_spans
from vflow.packet import MS
from vflow.report.stages import parts
from vflow.report.turn import Speculated, TurnRecord

CHAT = NodeFacts("chat", "chat", "smollm2")
REMOTE = NodeFacts("chat", "chat.openai", "gpt-4o-mini", "api.openai.com", 443)
STT = NodeFacts("stt", "stt.moonshine", "tiny")
SAID, REPLY = "what is the capital", "Paris it is"
WHOLE = {
    "speech_start": 0, "voice_off": 1_000, "decided": 1_500, "transcript": 1_550, "first_word": 1_700,
    "voiced": 1_900, "audible": 1_950, "silent": 4_000, "reply_end": 4_000,
}  # fmt: skip


def record(**fields: Any) -> TurnRecord:
    at = fields.pop("at", WHOLE)
    turn = TurnRecord(7, user=SAID, words=REPLY.split(), heard=REPLY, tokens=5, stop_reason="eos")
    turn.at_ns = {moment: ms * MS for moment, ms in at.items()}
    turn.answered_by, turn.generated_ns, turn.prompt_tokens = "chat", 900 * MS, 31
    for name, value in fields.items():
        setattr(turn, name, value)
    return turn


def agent(chat: NodeFacts = CHAT) -> AgentFacts:
    return AgentFacts("voice_agent", {"chat": chat, "stt": STT}, {"transcript": STT, "thinking": chat})


def spans(turn: TurnRecord, chat: NodeFacts = CHAT, content: bool = False) -> list[TurnSpan]:
    return turn_spans(turn, agent(chat), "5f0c2a91", content)


def named(name: str, turn: TurnRecord, chat: NodeFacts = CHAT, content: bool = False) -> TurnSpan:
    return next(span for span in spans(turn, chat, content) if span.name.startswith(name))


def test_stages_are_those_of_the_waterfall_at_its_times() -> None:
    turn = record()
    found = [(s.name, s.start_ns, s.end_ns) for s in spans(turn) if "vflow.stage" in s.attributes]
    assert found == [(part.name, part.start_ns, part.end_ns) for part in parts(turn.at_ns)]
    assert [name for name, *_ in found] == [
        "user", "endpoint", "transcript", "thinking", "voice", "device", "speaking",
    ]  # fmt: skip


def test_turn_span_holds_all_others_and_has_latencies_in_seconds() -> None:
    turn, *others = spans(record())
    assert (turn.name, turn.start_ns, turn.end_ns) == ("invoke_agent voice_agent", 0, 4_000 * MS)
    assert all(turn.start_ns <= span.start_ns <= span.end_ns <= turn.end_ns for span in others)
    assert turn.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "voice_agent",
        "gen_ai.conversation.id": "5f0c2a91",
        "gen_ai.provider.name": "vflow",
        "vflow.turn.number": 7,
        "vflow.turn.outcome": "heard",
        "vflow.turn.words": 3,
        "vflow.turn.speculation": "none",
        "vflow.turn.e2e_latency": 0.95,
        "vflow.turn.end_of_turn_delay": 0.5,
        "vflow.turn.llm_ttft": 0.2,
        "vflow.turn.tts_ttfb": 0.25,
        "vflow.turn.compute_latency": 0.45,
        "vflow.turn.transcription_delay": 0.55,
    }


def test_model_span_lasts_from_the_request_to_the_last_token() -> None:
    chat = named("chat ", record(withheld={"thought_tokens": 2}))
    assert (chat.name, chat.start_ns, chat.end_ns) == ("chat smollm2", 1_500 * MS, 2_400 * MS)
    assert not chat.remote
    assert chat.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "vflow",
        "gen_ai.conversation.id": "5f0c2a91",
        "gen_ai.output.type": "text",
        "gen_ai.request.stream": True,
        "gen_ai.request.model": "smollm2",
        "vflow.node": "chat",
        "vflow.node.use": "chat",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.2,
        "gen_ai.usage.input_tokens": 31,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.reasoning.output_tokens": 2,
    }


def test_model_behind_an_endpoint_is_a_call_to_its_server() -> None:
    chat = named("chat ", record(prompt_tokens=0), REMOTE)
    assert chat.remote
    about = chat.attributes
    assert (about["gen_ai.provider.name"], about["server.address"]) == ("openai", "api.openai.com")
    assert about["server.port"] == 443
    assert "gen_ai.usage.input_tokens" not in about


def test_answer_prepared_in_the_pause_begins_before_the_turn_was_decided() -> None:
    ahead = Speculated("hit", 1, begun_ns=1_200 * MS, ahead_ns=300 * MS, first_word_ns=80 * MS)
    turn = record(speculation=ahead, generated_ns=200 * MS)
    chat = named("chat ", turn)
    assert (chat.start_ns, chat.end_ns) == (1_200 * MS, 1_400 * MS)
    assert chat.attributes["gen_ai.response.time_to_first_chunk"] == 0.08
    assert spans(turn)[0].attributes["vflow.turn.speculation"] == "hit"


def test_cut_reply_ends_where_it_was_cut() -> None:
    at = {name: ms for name, ms in WHOLE.items() if name not in ("silent", "reply_end")} | {"flushed": 2_200}
    turn = record(at=at, interrupted=True, stop_reason="flush", generated_ns=None)
    assert named("chat ", turn).end_ns == 2_200 * MS
    assert named("speaking", turn).attributes["vflow.stage.cut"] is True
    assert spans(turn)[0].attributes["vflow.turn.outcome"] == "interrupted"


def test_turn_in_which_a_node_failed_is_an_error() -> None:
    turn = record(stop_reason="error", words=[], tokens=0)
    assert spans(turn)[0].error == named("chat ", turn).error == "_OTHER"
    assert all(not span.error for span in spans(record()))


def test_turn_that_did_not_end_is_unfinished() -> None:
    turn = record(
        at={"decided": 10, "transcript": 20}, words=[], tokens=0, stop_reason=None, generated_ns=None
    )
    assert [span.name for span in spans(turn)] == ["invoke_agent voice_agent", "transcript"]
    assert spans(turn)[0].attributes["vflow.turn.outcome"] == "unfinished"


@pytest.mark.parametrize(
    "turn",
    [
        record(tokens=0, words=[]),  # nothing was said, so no model was asked
        record(answered_by="stranger", at={"speech_start": 0, "voice_off": 5}),
    ],
)
def test_no_model_span_where_no_model_was_asked(turn: TurnRecord) -> None:
    assert not [span for span in spans(turn) if span.name.startswith("chat")]


def test_turn_of_which_the_waterfall_has_nothing_has_no_spans() -> None:
    assert spans(record(at={"first_word": 10, "reply_end": 20})) == []


def test_nothing_that_was_said_is_in_spans_unless_it_is_asked_for() -> None:
    def texts(found: list[TurnSpan]) -> str:
        return json.dumps([[span.name, dict(span.attributes)] for span in found])

    silent = texts(spans(record()))
    assert not any(word in silent for word in [*SAID.split()[-1:], *REPLY.split()[:1]])
    for name in ("chat ", "invoke_agent"):
        about = named(name, record(), content=True).attributes
        assert json.loads(str(about["gen_ai.input.messages"])) == [
            {"role": "user", "parts": [{"type": "text", "content": SAID}]}
        ]
        assert json.loads(str(about["gen_ai.output.messages"])) == [
            {"role": "assistant", "parts": [{"type": "text", "content": REPLY}], "finish_reason": "stop"}
        ]
    assert spans(record(), content=True)[0].attributes["vflow.turn.heard"] == REPLY


def test_values_of_the_environment_are_hidden_and_long_texts_cut() -> None:
    facts = AgentFacts("a", {}, {}, hide=lambda text: text.replace("s3cret", "***"))
    turn = record(user="it is s3cret " + "x" * 20_000)
    made = str(turn_spans(turn, facts, "1", content=True)[0].attributes["gen_ai.input.messages"])
    assert "s3cret" not in made
    assert len(made) < 11_000
