"""`vflow serve`: serve an agent to browsers and over WebSockets."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import ipaddress
import os
import re
import socket
import sys
import threading
from typing import TYPE_CHECKING

from vflow.cli import graph_options
from vflow.cli.diagnostics import report
from vflow.cli.main import FAILED, INTERRUPTED, OK, USAGE
from vflow.deadline import call_within
from vflow.errors import GraphError, NodeError, Unavailable, VflowError
from vflow.otel.span_export import sending
from vflow.packet import MS
from vflow.printing import emit, indented, write
from vflow.resources import usable_cores
from vflow.session.preloaded import Preloaded, load_for_sessions
from vflow.web import NEEDS, Limits, require
from vflow.web.capacity import measured
from vflow.web.doors import Doors, new_token
from vflow.web.event_log import as_json
from vflow.web.memory import few_arenas, give_back, settle
from vflow.web.supply import Supply, serving_options

if TYPE_CHECKING:
    from vflow.web.roster import Roster
    from vflow.web.server import Place

TOKEN_VARIABLE = "VFLOW_TOKEN"
SHORTEST_TOKEN = 16
CLOSE_S = SPANS_S = 0.5
_TOKEN = re.compile(r"[A-Za-z0-9._~-]+")
TOO_MANY = (
    "warning: judged by one turn, {} sessions at once keep the {:g} ms that the graph promises on {};"
    " with more, replies may come later"
)
ANY = ("0.0.0.0", "::", "")


def main(args: argparse.Namespace) -> int:
    """Serve until a signal. Return 0; 1 if it failed; 2 for a wrong graph or option; 130 after a second
    signal."""
    try:
        require(*NEEDS)
        token = token_of(args)
        check_place(args)
        return _serve(args, token)
    except GraphError as error:
        report(error.diagnostics)
    except Unavailable as error:
        _say(f"error: {error}")
    except NodeError as error:
        _say(str(error) if error.place else f"error: {error}")
        return USAGE if isinstance(error.__cause__, Unavailable) else FAILED
    except VflowError as error:
        _say(f"error: {error}")
    return USAGE


def _serve(args: argparse.Namespace, token: str) -> int:
    few_arenas()
    server = importlib.import_module("vflow.web.server")
    build = importlib.import_module("vflow.web.application").build
    place: Place = server.Place(args.host, args.port, args.certfile, args.keyfile)
    limits = Limits(sessions=args.sessions, resume_for_s=args.resume_for)
    say = _note_as_json if args.log == "json" else _say
    with (
        sending(args.otel, os.environ, say, SPANS_S) as spans,
        contextlib.closing(server.bind(place)) as bound,
    ):
        overrides = graph_options.overrides_of(args.set)
        options = {**serving_options(), "push_to_talk": args.push_to_talk}
        graph = load_for_sessions(args.file, overrides=overrides, **options)
        supply = Supply(graph)
        doors = Doors(token, hosts_of(args), args.host in ANY, any_scheme=args.behind_proxy)
        app = build(supply, doors, limits, say)
        roster: Roster = app.state.roster
        roster.tell = as_json if args.log == "json" else roster.tell
        roster.spans = spans
        config = server.configure(app, place, limits.largest_bytes)  # refuses a bad certificate
        for warning in graph.warnings:
            say(f"warning: {warning}")
        say("loading")
        agent = Preloaded(graph)
        supply.put(agent, measured(agent))
        if graph.budget and supply.room and roster.capacity > supply.room:
            say(TOO_MANY.format(supply.room, graph.budget.limit_ns / MS, cores()))

        settle()

        def listening() -> None:
            host = shown_host(args.host)
            address = f"{'https' if args.certfile else 'http'}://{host}:{bound.getsockname()[1]}/"
            emit(f"{address}#token={token}" if token else address)
            most = f"up to {roster.capacity} at once on {cores()}"
            say(f"open it in a browser; {most}; Ctrl-C ends")

        serving = server.Server(config, roster, listening, give_back)
        server.run(serving, bound)
        with contextlib.suppress(TimeoutError):
            call_within(CLOSE_S, agent.close, "the preloaded agent")
        _leave_at_once()
    return INTERRUPTED if serving.force_exit else OK


def _note_as_json(line: str) -> None:
    as_json("note", {"text": line})


def cores() -> str:
    """Return in words how many cores this process may use."""
    count = usable_cores()
    return f"{count:g} core{'s' if count != 1 else ''}"


def _leave_at_once() -> None:
    """Let the process end without unloading its libraries, which took torch seconds on a busy machine."""
    threading.Thread(target=threading.Event().wait, name="vflow:serve", daemon=True).start()


def token_of(args: argparse.Namespace) -> str:
    """Return the token; '' to admit everyone. Raises: VflowError for a bad token, or if --no-token would
    admit other machines."""
    given = args.token if args.token is not None else os.environ.get(TOKEN_VARIABLE)
    if args.no_token:
        if args.token is not None:
            raise VflowError("--token and --no-token contradict one another; leave one of them out")
        if not is_loopback(args.host):
            raise VflowError(f"--no-token is for this machine alone, and {args.host} is open to others")
        return ""
    if given is None:
        return new_token()
    if len(given) < SHORTEST_TOKEN or not _TOKEN.fullmatch(given):
        raise VflowError(
            f"a token needs {SHORTEST_TOKEN} letters or more, of A-Z, a-z, 0-9, '-', '_', '.' and '~';"
            " without --token one is made"
        )
    return given


def check_place(args: argparse.Namespace) -> None:
    """Check the address. Raises: VflowError if other machines could listen in on the talk there."""
    if (args.certfile is None) != (args.keyfile is None):
        raise VflowError("--certfile and --keyfile go together")
    if not (is_loopback(args.host) or args.certfile or args.behind_proxy):
        raise VflowError(
            f"{args.host or 'every address'} can be reached from other machines, without encryption; give"
            " --certfile and --keyfile, or --behind-proxy if a proxy in front speaks TLS"
        )


def hosts_of(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the names by which clients may ask for the server."""
    names = list(args.allow_host)
    if not is_loopback(args.host):
        names += [socket.gethostname()] if args.host in ANY else [args.host]
    return tuple(names)


def shown_host(host: str) -> str:
    """Return the host for the address that is printed."""
    if host in ANY:
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _say(line: str) -> None:
    write(indented(line), sys.stderr)
