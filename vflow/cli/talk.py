"""`vflow talk`: talk with a served agent, by this machine's microphone and loudspeaker."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vflow.cli.diagnostics import report
from vflow.cli.graph_options import PAD
from vflow.cli.main import FAILED, INTERRUPTED, OK, USAGE
from vflow.cli.serve import TOKEN_VARIABLE
from vflow.errors import GraphError, NodeError, Unavailable, VflowError
from vflow.printing import emit, escaped, indented, write
from vflow.web import require
from vflow.web.address import address_of

if TYPE_CHECKING:
    from vflow.web.caller import Caller

HANG_UP_S = 1.0
"""Longest wait for the server to close the connection too."""


def main(args: argparse.Namespace) -> int:
    """Talk until a signal, or the end of `--input`. Return 0; 1 if the server or the connection failed; 2 for
    wrong options, or if something is missing here; 130 after Ctrl-C."""
    try:
        require("websockets")
        address = address_of(args.address, os.environ.get(TOKEN_VARIABLE, ""))
        if args.token is not None:
            address = replace(address, token=args.token)
    except VflowError as error:
        _say(f"error: {error}")
        return USAGE
    stand_ins: dict[str, Any] = {}
    if args.input:
        stand_ins["mic"] = ("wav_source", {"file": args.input, "pace": "clock", "pad": PAD})
    if args.output:
        stand_ins["speaker"] = ("wav_sink", {"file": args.output, "sync": True})
    caller: Caller = importlib.import_module("vflow.web.caller").Caller(
        address, _tell, stand_ins, args.cafile
    )
    try:
        if asyncio.run(_talk(caller)):
            return INTERRUPTED
    except GraphError as error:
        report(error.diagnostics)
        return USAGE
    except NodeError as error:
        _say(f"error: {error}")
        return USAGE if isinstance(error.__cause__, Unavailable) else FAILED
    except VflowError as error:
        _say(f"error: {error}")
        return FAILED
    return OK


async def _talk(caller: Caller) -> bool:
    """Talk until the conversation ends, or Ctrl-C, which hangs up. Return whether Ctrl-C came."""
    loop = asyncio.get_running_loop()
    talking = asyncio.ensure_future(caller.talk())

    ending: list[asyncio.Future[None]] = []

    def hang_up() -> None:
        ending.append(asyncio.ensure_future(caller.end()))
        loop.call_later(HANG_UP_S, talking.cancel)

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(
            NotImplementedError, RuntimeError, ValueError
        ):  # not here, or no main thread
            loop.add_signal_handler(number, hang_up)
    with contextlib.suppress(asyncio.CancelledError):
        await talking
    return bool(ending)


def _tell(said: Mapping[str, Any]) -> None:
    """Print a message of the server, if it is of a kind that a person needs."""
    kind = said.get("type")
    if kind == "ready":
        _say("speak; Ctrl-C ends")
    elif kind == "turn_ended":
        if said.get("user"):
            emit(f"you:   {escaped(said['user'])}")
        emit(f"agent: {escaped(said.get('reply') or '')}{_remark(said)}")
    elif kind == "warning":
        _say(f"warning: {said.get('node')}: {said.get('text')}")


def _remark(said: Mapping[str, Any]) -> str:
    if said.get("taken_back"):
        return " [taken back, you spoke on]"
    if said.get("interrupted"):
        heard = escaped(said.get("heard") or "")
        return f' [interrupted, you heard "{heard}"]' if heard else " [interrupted before it was heard]"
    return ""


def _say(line: str) -> None:
    write(indented(line), sys.stderr)
