"""Run GStreamer: chains of `identity`, or of an element written in Python, on buffers of 20 ms.

Install, on Debian: apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
python3-gst-1.0 gir1.2-gst-plugins-base-1.0. The bindings belong to /usr/bin/python3.

`system` is `c`, `c-queue`, `python` or `python-queue`; `-queue` has a queue of 64 buffers at every link.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstBase", "1.0")
from gi.repository import Gst, GstBase  # noqa: E402
from protocol import FRAMES, Answer, Paces, rate, serve  # noqa: E402

Gst.init(None)  # before the class below: its templates are objects of the library

SIZE = 4 * FRAMES
QUEUE = "queue max-size-buffers=64 max-size-bytes=0 max-size-time=0 ! "
TIMEOUT_S = 60


class Pass(GstBase.BaseTransform):  # type: ignore[misc]
    """Passes on each buffer, in Python."""

    __gstmetadata__ = ("Pass", "Filter", "Passes on what comes", "vflow <vflow@example.org>")
    __gsttemplates__ = (
        Gst.PadTemplate.new("sink", Gst.PadDirection.SINK, Gst.PadPresence.ALWAYS, Gst.Caps.new_any()),
        Gst.PadTemplate.new("src", Gst.PadDirection.SRC, Gst.PadPresence.ALWAYS, Gst.Caps.new_any()),
    )

    def do_transform_ip(self, buffer: Any) -> Any:
        return Gst.FlowReturn.OK


Gst.Element.register(None, "pythonpass", 0, Pass)


def chain(system: str, nodes: int) -> str:
    """Return the middle of a launch line, from the source's `!` to the sink's."""
    element = "pythonpass" if system.startswith("python") else "identity"
    queue = QUEUE if system.endswith("queue") else ""
    return "! " + f"{queue}{element} ! " * nodes + queue


def until_eos(pipeline: Any) -> None:
    """Run the pipeline to its end. Raises: RuntimeError for an error on the bus, or after TIMEOUT_S."""
    kinds = Gst.MessageType.EOS | Gst.MessageType.ERROR
    message = pipeline.get_bus().timed_pop_filtered(TIMEOUT_S * Gst.SECOND, kinds)
    if message is None or message.type == Gst.MessageType.ERROR:
        raise RuntimeError("no end of stream" if message is None else message.parse_error().debug)


def throughput(system: str = "c", nodes: int = 5, packets: int = 50_000) -> Answer:
    """Send packets as fast as it goes."""
    source = f"fakesrc num-buffers={packets} sizetype=fixed sizemax={SIZE} filltype=nothing "
    pipeline = Gst.parse_launch(source + chain(system, nodes) + "fakesink name=sink sync=false")
    pipeline.set_state(Gst.State.PAUSED)
    pipeline.get_state(Gst.CLOCK_TIME_NONE)
    began = time.perf_counter()
    pipeline.set_state(Gst.State.PLAYING)
    until_eos(pipeline)
    elapsed_s = time.perf_counter() - began
    pipeline.set_state(Gst.State.NULL)
    return rate(packets, elapsed_s)


def paced(system: str = "c", nodes: int = 5, packets: int = 400, period_ms: float = 5.0) -> Answer:
    """Send one buffer every `period_ms`, from a thread of Python into `appsrc`."""
    line = "appsrc name=source format=time " + chain(system, nodes)
    pipeline = Gst.parse_launch(line + "fakesink name=sink sync=false async=false signal-handoffs=true")
    source, paces, block = pipeline.get_by_name("source"), Paces(period_ms), bytes(SIZE)
    pipeline.get_by_name("sink").connect("handoff", lambda *_: paces.arrive())

    def produce() -> None:
        paces.begin()
        for index in range(packets):
            buffer = Gst.Buffer.new_wrapped(block)
            left_s = (paces.due_ns(index) - time.monotonic_ns()) / 1e9
            if left_s > 0:
                time.sleep(left_s)
            paces.emit()
            source.emit("push-buffer", buffer)
        source.emit("end-of-stream")

    pipeline.set_state(Gst.State.PLAYING)
    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    until_eos(pipeline)
    answer = paces.answer()
    thread.join()
    pipeline.set_state(Gst.State.NULL)
    return answer


if __name__ == "__main__":
    serve(throughput, paced)
