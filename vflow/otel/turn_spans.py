"""Make spans of a turn that has ended: one of the turn, those of the waterfall in it, and the model's.

Times are of the pipeline. The names are those of OpenTelemetry's conventions for generative AI
(https://github.com/open-telemetry/semantic-conventions-genai) where they have one; vflow's own begin with
`vflow.`. Nothing that was said is in a span unless it is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from vflow.otel.agent_facts import LOCAL, AgentFacts, NodeFacts
from vflow.packet import SECOND
from vflow.report.json_values import text_of
from vflow.report.stages import ends_of, parts
from vflow.report.turn import TurnRecord

Value = str | bool | int | float | list[str]

LATENCIES: Mapping[str, str] = {
    "v2v": "vflow.turn.e2e_latency",
    "endpoint": "vflow.turn.end_of_turn_delay",
    "first_word": "vflow.turn.llm_ttft",
    "word_to_audio": "vflow.turn.tts_ttfb",
    "compute": "vflow.turn.compute_latency",
    "stop": "vflow.turn.stop_latency",
}
"""The report's latencies by the names that LiveKit's `lk.agents.turn.*` have for them, in seconds."""
FINISHED: Mapping[str, str] = {"eos": "stop", "limit": "length"}
"""Reasons for a reply's end as the conventions name them; others are kept."""
THOUGHTS = "thought_tokens"


@dataclass(frozen=True, slots=True)
class TurnSpan:
    """A span in ns of pipeline time. `remote`: it is of a call to another machine. `error` is '' if none."""

    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Value] = field(default_factory=dict)
    remote: bool = False
    error: str = ""


def turn_spans(turn: TurnRecord, agent: AgentFacts, conversation: str, content: bool) -> list[TurnSpan]:
    """Return the turn's span, then its children; [] for a turn of which the waterfall has nothing.

    `conversation` names the session. With `content`, what was said is in the attributes.
    """
    found = parts(turn.at_ns)
    if not found:
        return []
    children = [
        TurnSpan(part.name, part.start_ns, part.end_ns, _of_stage(part.name, part.cut, agent))
        for part in found
    ]
    children += _model_spans(turn, agent, conversation, content)
    end_ns = max(child.end_ns for child in children)
    about = _of_turn(turn, agent, conversation, content)
    error = "_OTHER" if turn.outcome == "error" else ""
    return [TurnSpan(f"invoke_agent {agent.name}", found[0].start_ns, end_ns, about, error=error), *children]


def _of_turn(turn: TurnRecord, agent: AgentFacts, conversation: str, content: bool) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": agent.name,
        "gen_ai.conversation.id": conversation,
        "gen_ai.provider.name": node.provider if (node := _answering(turn, agent)) is not None else LOCAL,
        "vflow.turn.number": turn.number,
        "vflow.turn.outcome": turn.outcome if turn.ended else "unfinished",
        "vflow.turn.words": len(turn.words),
        "vflow.turn.speculation": turn.speculation.result,
    }
    for latency, name in LATENCIES.items():
        if (took_ns := turn.latency_ns(latency)) is not None:
            attributes[name] = took_ns / SECOND
    off_ns, transcript_ns = turn.at_ns.get("voice_off"), turn.at_ns.get("transcript")
    if off_ns is not None and transcript_ns is not None:
        attributes["vflow.turn.transcription_delay"] = max(0, transcript_ns - off_ns) / SECOND
    if turn.held_ns:
        attributes["vflow.turn.held"] = turn.held_ns / SECOND
    if content:
        attributes |= _messages(turn, agent)
        attributes["vflow.turn.heard"] = agent.hide(text_of(turn.heard))
    return attributes


def _of_stage(name: str, cut: bool, agent: AgentFacts) -> dict[str, Value]:
    attributes: dict[str, Value] = {"vflow.stage": name}
    if cut:
        attributes["vflow.stage.cut"] = True
    if (node := agent.stages.get(name)) is not None:
        attributes |= _of_node(node)
    return attributes


def _of_node(node: NodeFacts) -> dict[str, Value]:
    named = {"gen_ai.request.model": node.model} if node.model else {}
    return {"vflow.node": node.node, "vflow.node.use": node.use, **named}


def _model_spans(turn: TurnRecord, agent: AgentFacts, conversation: str, content: bool) -> Iterator[TurnSpan]:
    """Yield the span of the language model: from the request to its last token, or to the cut."""
    node = _answering(turn, agent)
    asked_ns = turn.speculation.begun_ns or turn.at_ns.get("decided")
    unasked = turn.stop_reason == "eos" and not (turn.tokens or turn.words)  # there was nothing to answer
    if node is None or not node.model or asked_ns is None or unasked:
        return
    ends = ends_of(turn.at_ns)
    if turn.generated_ns is not None:
        end_ns = asked_ns + turn.generated_ns
    elif (over_ns := ends.get("flushed", ends.get("reply_end"))) is not None:
        end_ns = over_ns
    else:
        return
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": node.provider,
        "gen_ai.conversation.id": conversation,
        "gen_ai.output.type": "text",
        "gen_ai.request.stream": True,
        **_of_node(node),
    }
    if turn.stop_reason is not None:
        attributes["gen_ai.response.finish_reasons"] = [FINISHED.get(turn.stop_reason, turn.stop_reason)]
    first_ns = turn.speculation.first_word_ns if turn.speculation.begun_ns is not None else None
    if first_ns is None:
        first_ns = turn.latency_ns("first_word")
    if first_ns is not None:
        attributes["gen_ai.response.time_to_first_chunk"] = max(0, first_ns) / SECOND
    if turn.tokens:
        attributes["gen_ai.usage.output_tokens"] = turn.tokens
    if turn.prompt_tokens:
        attributes["gen_ai.usage.input_tokens"] = turn.prompt_tokens
    if turn.prompt_audio_tokens:
        attributes["gen_ai.usage.audio.input_tokens"] = turn.prompt_audio_tokens
    if thoughts := turn.withheld.get(THOUGHTS):
        attributes["gen_ai.usage.reasoning.output_tokens"] = thoughts
    if node.host:
        attributes |= {"server.address": node.host, "server.port": node.port}
    if content:
        attributes |= _messages(turn, agent)
    error = "_OTHER" if turn.stop_reason == "error" else ""
    yield TurnSpan(f"chat {node.model}", asked_ns, max(asked_ns, end_ns), attributes, bool(node.host), error)


def _answering(turn: TurnRecord, agent: AgentFacts) -> NodeFacts | None:
    return agent.nodes.get(turn.answered_by) or agent.stages.get("thinking")


def _messages(turn: TurnRecord, agent: AgentFacts) -> dict[str, Value]:
    """The user's words of this turn, and the reply to them; not the history before."""
    made: dict[str, Value] = {}
    if turn.user:
        made["gen_ai.input.messages"] = _message("user", agent.hide(text_of(turn.user)))
    if turn.words:
        reason = FINISHED.get(turn.stop_reason or "", turn.stop_reason or "")
        made["gen_ai.output.messages"] = _message(
            "assistant", agent.hide(text_of(turn.reply)), finish_reason=reason
        )
    return made


def _message(role: str, text: str, **more: str) -> str:
    message = {"role": role, "parts": [{"type": "text", "content": text}], **more}
    return json.dumps([message], ensure_ascii=False)
