"""Declare the options of every verb. Only argparse is imported: help must not wait for numpy or a model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vflow.cli import option_values
from vflow.otel.wanted import USUAL
from vflow.printing import write

TURNS = 10
"""Default number of utterances that `vflow bench` speaks."""
RESUME_FOR_S = 30
"""How long `vflow serve` keeps a session whose connection was lost, by default."""


class _Parser(argparse.ArgumentParser):
    """Prints escaped text, as all of vflow does: an error may quote input from outside."""

    def _print_message(self, message: str, file: Any = None) -> None:
        write(message, sys.stderr if file is None else file, end="")


class _Once(argparse.Action):
    """An option with one value. A second one is an error; argparse would ignore the first silently."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: Any = None
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            raise argparse.ArgumentError(self, "it is given twice, and takes one file")
        setattr(namespace, self.dest, values)


def parser_for(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser. Only the verb named in `argv` has its options, which saves time."""
    parser = _Parser(prog="vflow", description="GStreamer for voice agents: graphs of typed nodes in YAML.")
    parser.add_argument("--version", action="store_true", help="print the version and leave")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", title="verbs")
    for verb, (text, declare) in VERBS.items():
        sub = verbs.add_parser(verb, help=text, description=text[0].upper() + text[1:] + ".")
        if argv and argv[0] == verb:
            declare(sub)
            sub.set_defaults(refuse=sub.error)  # so that an error shows the verb's own usage
    return parser


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the graph, a YAML file")
    parser.add_argument(
        "--input",
        metavar="WAV",
        action="append",
        default=[],
        help="stands in for the microphone, at its pace; several, or a folder: one by one; -: stdin",
    )
    parser.add_argument(
        "--output",
        metavar="WAV",
        action=_Once,
        help="stands in for the speaker; a folder if there are several inputs",
    )
    parser.add_argument(
        "--fast", action="store_true", help="take the input as fast as the graph can, not at its own pace"
    )
    parser.add_argument(
        "--text", action="store_true", help="type instead of speaking; lines of a pipe are taken one by one"
    )
    parser.add_argument("--mute", action="store_true", help="with --text: show the replies, speak none")
    _properties(parser)
    parser.add_argument(
        "--report",
        metavar="FILE.json",
        action=_Once,
        help="write turns, latencies and counters, as .svg a picture; a folder for several inputs",
    )
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="print which nodes were chosen and why, every latency, and tracebacks",
    )
    amount.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument(
        "--trace", metavar="FILE", help="write what each thread did, for chrome://tracing and Perfetto"
    )
    parser.add_argument(
        "--json", action="store_true", help="print events on stdout, a line of JSON each, and nothing else"
    )
    parser.add_argument(
        "--watch",
        metavar="PORT",
        nargs="?",
        const=0,
        type=option_values.watch_port,
        help="show the run in the browser, live, on this machine alone; without PORT a free one is taken",
    )
    parser.add_argument("--open", action="store_true", help="with --watch: open the browser there")
    _spans(parser)


def _check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", metavar="FILE", nargs="+", help="graph files")
    _stand_ins(parser)
    _properties(parser)


def _graph(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="a graph file")
    parser.add_argument(
        "--format",
        choices=("text", "svg", "html", "png", "json", "mermaid", "dot"),
        help="format of the drawing (default: by the ending of OUT, such as .svg or .dot; else text)",
    )
    parser.add_argument("--open", action="store_true", help="show the picture in the browser")
    parser.add_argument("-o", dest="drawing", metavar="OUT", help="file to write to (default: stdout)")
    _stand_ins(parser)
    _properties(parser)


def _inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a node or a role, such as 'turn', 'tts' or 'tts.hibari'"
    )
    parser.add_argument(
        "--set",
        metavar="PROP=VALUE",
        action="append",
        default=[],
        help="a property of the node, such as base_url: list what its server offers (repeatable)",
    )


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help="a graph; its models are loaded")
    _stand_ins(parser)
    _properties(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the graph, a YAML file with a mic and a speaker")
    parser.add_argument(
        "--input",
        metavar="WAV",
        action="append",
        default=[],
        help="ask this instead of the bundled questions (repeatable)",
    )
    parser.add_argument("--turns", metavar="N", type=int, default=TURNS, help=f"utterances (default {TURNS})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    _properties(parser)
    parser.add_argument("--picture", metavar="FILE.svg", help="draw the turns on a time line")
    parser.add_argument("--keep", metavar="FOLDER", help="leave the recordings there: heard.wav, said.wav")
    battery = parser.add_argument_group("a battery of scenes, each with a verdict")
    battery.add_argument("--battery", choices=("turns",), help="play scenes of turn-taking in its place")
    battery.add_argument("--scenes", metavar="FOLDER", help="your own scenes: sound files and scenes.yaml")
    battery.add_argument("--output", metavar="FOLDER", help="leave a wav of two channels per scene there")
    battery.add_argument("--save", metavar="FILE", help="write the shares that went well, as a baseline")
    battery.add_argument("--baseline", metavar="FILE", help="exit code 1 if a share got worse than there")
    battery.add_argument("--fast", action="store_true", help="in virtual time, the same on every machine")


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the graph, a YAML file with a mic and a speaker")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: this machine alone)"
    )
    parser.add_argument(
        "--port", type=option_values.port, default=8080, help="default 8080; 0 takes a free one"
    )
    parser.add_argument(
        "--sessions",
        metavar="N",
        type=option_values.count,
        help="most sessions at once (default: as many as keep the latency that the graph's budget promises)",
    )
    parser.add_argument(
        "--resume-for",
        metavar="SECONDS",
        type=option_values.seconds,
        default=RESUME_FOR_S,
        help=f"keep a session this long after its connection is lost (default {RESUME_FOR_S}; 0: never)",
    )
    parser.add_argument(
        "--token",
        help="token that clients must show; default: the variable VFLOW_TOKEN, else a random one",
    )
    parser.add_argument(
        "--log", choices=("text", "json"), default="text", help="format of messages on standard error"
    )
    parser.add_argument("--no-token", action="store_true", help="admit everyone on this machine")
    parser.add_argument("--certfile", metavar="PEM", help="certificate: the server speaks TLS")
    parser.add_argument("--keyfile", metavar="PEM", help="its private key")
    parser.add_argument(
        "--behind-proxy", action="store_true", help="a proxy in front speaks TLS: listen anywhere without it"
    )
    parser.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="a name that clients use for the server, beside localhost (repeatable)",
    )
    parser.add_argument(
        "--push-to-talk", action="store_true", help="a button makes the utterances, not the voice detector"
    )
    _spans(parser)
    _properties(parser)


def _talk(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help="ws://HOST:PORT/ws, or as 'vflow serve' prints it")
    parser.add_argument("--token", help="the server's token; default: the one in ADDRESS, else VFLOW_TOKEN")
    parser.add_argument("--cafile", metavar="PEM", help="certificate to trust: the server's, or its signer's")
    parser.add_argument(
        "--input", metavar="WAV", action=_Once, help="stands in for the microphone; the talk ends after it"
    )
    parser.add_argument("--output", metavar="WAV", action=_Once, help="stands in for the speaker")


def _top(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", metavar="PID", nargs="?", help="the process of the run; default: the only one")


def _spans(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--otel",
        metavar="ADDRESS",
        nargs="?",
        const="",
        type=option_values.address,
        help="send turns and their stages as spans, by OTLP over HTTP (default: where"
        f" OTEL_EXPORTER_OTLP_ENDPOINT says, else {USUAL})",
    )


def _models(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="the models by name, with size, licence and place")
    pull = actions.add_parser("pull", help="fetch a model into the cache")
    pull.add_argument("name", metavar="NAME", help="from 'vflow models list', or OWNER/NAME of the hub")
    pull.add_argument("--revision", metavar="REV", help="a branch, tag or commit of the hub; default: main")
    pull.add_argument(
        "--file",
        metavar="PATTERN",
        action="append",
        dest="patterns",
        help="only the files of the hub that match, such as '*.onnx' (repeatable)",
    )


def _stand_ins(parser: argparse.ArgumentParser) -> None:
    """Add the options for files in the place of microphone and speaker; `graph_options.load` reads them."""
    parser.add_argument(
        "--input", metavar="WAV", action=_Once, help="stands in for the microphone, at its pace"
    )
    parser.add_argument(
        "--output",
        metavar="WAV",
        action=_Once,
        help="stands in for the speaker; sample n is time n / rate",
    )


def _properties(parser: argparse.ArgumentParser) -> None:
    """Add the option for properties of the graph's nodes; `graph_options.overrides_of` reads it."""
    parser.add_argument(
        "--set", metavar="NODE.PROP=VALUE", action="append", default=[], help="set a property (repeatable)"
    )


VERBS: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "run": ("run a graph until it ends or Ctrl-C", _run),
    "check": ("check graphs: every error at once, with its place and mend", _check),
    "graph": ("draw a graph as a picture, text, mermaid or dot", _graph),
    "top": ("show a run's load, live: how busy its nodes are, how full its queues", _top),
    "inspect": ("list the nodes, or describe one node or role", _inspect),
    "doctor": (
        "examine this machine, and find settings that make a graph faster or smaller here",
        _doctor,
    ),
    "bench": ("speak to a pipeline, and compare its replies with vflow's promises", _bench),
    "serve": ("serve an agent to browsers and over WebSockets", _serve),
    "talk": ("talk with a served agent, by microphone and loudspeaker", _talk),
    "models": ("list the models, or pull one into the cache", _models),
}
"""By name: the verb's text in `vflow --help`, and the function that declares its options."""
