"""vflow: GStreamer for voice agents. Importing it loads no model, opens no device and starts no thread. It
only switches the telemetry of libraries off."""

from __future__ import annotations

from vflow.telemetry import switch_off

TYPE_CHECKING = False  # not imported from typing, so that `import vflow` stays cheap
if TYPE_CHECKING:
    from vflow.advice import Advice as Advice
    from vflow.bus import Bus as Bus
    from vflow.bus import Message as Message
    from vflow.caps import AnyCaps as AnyCaps
    from vflow.caps import Audio as Audio
    from vflow.caps import Caps as Caps
    from vflow.caps import Text as Text
    from vflow.clock import ManualClock as ManualClock
    from vflow.clock import SystemClock as SystemClock
    from vflow.conversation import Conversation as Conversation
    from vflow.deadline import call_within as call_within
    from vflow.errors import GraphError as GraphError
    from vflow.errors import NodeError as NodeError
    from vflow.errors import PropertyError as PropertyError
    from vflow.errors import Unavailable as Unavailable
    from vflow.errors import VflowError as VflowError
    from vflow.errors import install_command as install_command
    from vflow.event import Eos as Eos
    from vflow.event import Event as Event
    from vflow.event import Gap as Gap
    from vflow.event import Pause as Pause
    from vflow.event import Resume as Resume
    from vflow.event import SpeechEnd as SpeechEnd
    from vflow.event import SpeechStart as SpeechStart
    from vflow.event import SpeechVoid as SpeechVoid
    from vflow.event import TalkEnd as TalkEnd
    from vflow.event import TalkStart as TalkStart
    from vflow.event import TurnEnd as TurnEnd
    from vflow.flush import Flush as Flush
    from vflow.flush import Played as Played
    from vflow.graph.graph import Graph as Graph
    from vflow.graph.loader import load as load
    from vflow.graph.node_class import node_class as node_class
    from vflow.graph.overrides import TextInput as TextInput
    from vflow.high_pass import HighPass as HighPass
    from vflow.line_reader import LineReader as LineReader
    from vflow.mixdown import Mixdown as Mixdown
    from vflow.node import Bin as Bin
    from vflow.node import Node as Node
    from vflow.node import Sink as Sink
    from vflow.outbox import Outbox as Outbox
    from vflow.packet import MS as MS
    from vflow.packet import SECOND as SECOND
    from vflow.packet import AudioPacket as AudioPacket
    from vflow.packet import Packet as Packet
    from vflow.packet import Samples as Samples
    from vflow.packet import Span as Span
    from vflow.packet import SpokenUnit as SpokenUnit
    from vflow.packet import TextPacket as TextPacket
    from vflow.playout import Playout as Playout
    from vflow.ports import In as In
    from vflow.ports import Out as Out
    from vflow.ports import QueueOptions as QueueOptions
    from vflow.printing import print_line as print_line
    from vflow.props import Duration as Duration
    from vflow.props import prop as prop
    from vflow.runtime.harness import Harness as Harness
    from vflow.runtime.pipeline import Pipeline as Pipeline
    from vflow.scripts import join_words as join_words
    from vflow.sent_audio import SentAudio as SentAudio
    from vflow.session.preloaded import preload as preload
    from vflow.session.session import Session as Session

__version__ = "0.1.0"
switch_off()

_MODULE_OF = {
    "Advice": "advice",
    "AnyCaps": "caps",
    "Audio": "caps",
    "AudioPacket": "packet",
    "Bin": "node",
    "Bus": "bus",
    "Caps": "caps",
    "Conversation": "conversation",
    "Duration": "props",
    "Eos": "event",
    "Event": "event",
    "Flush": "flush",
    "Gap": "event",
    "Graph": "graph.graph",
    "GraphError": "errors",
    "Harness": "runtime.harness",
    "HighPass": "high_pass",
    "In": "ports",
    "LineReader": "line_reader",
    "MS": "packet",
    "ManualClock": "clock",
    "Message": "bus",
    "Mixdown": "mixdown",
    "Node": "node",
    "NodeError": "errors",
    "Out": "ports",
    "Outbox": "outbox",
    "Packet": "packet",
    "Pause": "event",
    "Pipeline": "runtime.pipeline",
    "Played": "flush",
    "Playout": "playout",
    "PropertyError": "errors",
    "QueueOptions": "ports",
    "Resume": "event",
    "SECOND": "packet",
    "Samples": "packet",
    "SentAudio": "sent_audio",
    "Session": "session.session",
    "Sink": "node",
    "Span": "packet",
    "SpeechEnd": "event",
    "SpeechStart": "event",
    "SpeechVoid": "event",
    "SpokenUnit": "packet",
    "SystemClock": "clock",
    "TalkEnd": "event",
    "TalkStart": "event",
    "Text": "caps",
    "TextInput": "graph.overrides",
    "TextPacket": "packet",
    "TurnEnd": "event",
    "Unavailable": "errors",
    "VflowError": "errors",
    "call_within": "deadline",
    "install_command": "errors",
    "join_words": "scripts",
    "load": "graph.loader",
    "node_class": "graph.node_class",
    "print_line": "printing",
    "preload": "session.preloaded",
    "prop": "props",
}

__all__ = [
    "Advice",
    "AnyCaps",
    "Audio",
    "AudioPacket",
    "Bin",
    "Bus",
    "Caps",
    "Conversation",
    "Duration",
    "Eos",
    "Event",
    "Flush",
    "Gap",
    "Graph",
    "GraphError",
    "Harness",
    "HighPass",
    "In",
    "LineReader",
    "MS",
    "ManualClock",
    "Message",
    "Mixdown",
    "Node",
    "NodeError",
    "Out",
    "Outbox",
    "Packet",
    "Pause",
    "Pipeline",
    "Played",
    "Playout",
    "PropertyError",
    "QueueOptions",
    "Resume",
    "SECOND",
    "Samples",
    "SentAudio",
    "Session",
    "Sink",
    "Span",
    "SpeechEnd",
    "SpeechStart",
    "SpeechVoid",
    "SpokenUnit",
    "SystemClock",
    "TalkEnd",
    "TalkStart",
    "Text",
    "TextInput",
    "TextPacket",
    "TurnEnd",
    "Unavailable",
    "VflowError",
    "call_within",
    "install_command",
    "join_words",
    "load",
    "node_class",
    "preload",
    "print_line",
    "prop",
]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'vflow' has no attribute {name!r}")
    import importlib

    value: object = getattr(importlib.import_module(f"vflow.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
