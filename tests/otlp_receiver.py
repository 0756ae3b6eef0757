"""A receiver of spans, as a collector is: OTLP over HTTP, read with OpenTelemetry's own protobufs."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.stand_ins import PATIENCE_S


@dataclass(frozen=True)
class Received:
    """A span as it came."""

    name: str
    id: bytes
    parent: bytes
    trace: bytes
    start_ns: int
    end_ns: int
    kind: int
    status: int
    attributes: dict[str, Any]
    resource: dict[str, Any]


class Receiver:
    """`spans` are those that came; `status` is what it answers, `hangs` until `let_go` where it answers
    nothing."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.status = 200
        self.hangs = False
        self.let_go = threading.Event()
        self.asked = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.asked.set()
                receiver.paths.append(self.path)
                receiver.headers.append(dict(self.headers))
                if receiver.hangs:
                    receiver.let_go.wait(PATIENCE_S)
                if receiver.status == 200:
                    if self.headers.get("content-encoding") == "gzip":
                        body = gzip.decompress(body)
                    receiver.take(body)
                answer = ExportTraceServiceResponse().SerializeToString()
                try:
                    self.send_response(receiver.status)
                    self.send_header("content-type", "application/x-protobuf")
                    self.send_header("content-length", str(len(answer)))
                    self.send_header("location", "http://127.0.0.1:9/elsewhere")
                    self.end_headers()
                    self.wfile.write(answer)
                except OSError:
                    pass  # the exporter has left

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest()
        request.ParseFromString(body)
        for resource in request.resource_spans:
            about = _attributes(resource.resource.attributes)
            for scope in resource.scope_spans:
                assert scope.scope.name == "vflow"
                for span in scope.spans:
                    self.spans.append(
                        Received(
                            span.name,
                            span.span_id,
                            span.parent_span_id,
                            span.trace_id,
                            span.start_time_unix_nano,
                            span.end_time_unix_nano,
                            span.kind,
                            span.status.code,
                            _attributes(span.attributes),
                            about,
                        )
                    )

    def wait_for(self, count: int) -> list[Received]:
        """Wait until the receiver has that many spans."""
        until_s = time.monotonic() + PATIENCE_S
        while len(self.spans) < count and time.monotonic() < until_s:
            time.sleep(0.02)
        assert len(self.spans) >= count, [span.name for span in self.spans]
        return self.spans

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE_S)


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    try:
        yield receiver
    finally:
        receiver.close()


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)
