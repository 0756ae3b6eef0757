"""Spans by OTLP over HTTP, with OpenTelemetry's own SDK: its variables choose batches, sampling, headers,
certificates and what is said of this process.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from typing import Any

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

from vflow import __version__
from vflow.errors import VflowError
from vflow.otel.span_export import Warn
from vflow.otel.turn_spans import TurnSpan, Value
from vflow.otel.wanted import Wanted

SERVICE = "vflow"
"""The service's name, where OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES give none."""
TRY_S = 1.0
"""Longest wait at the end for a server of which the last request failed."""
_RETRIED = (429, 502, 503, 504)
"""Answers after which the exporter waits, and tries again."""
_MOST = (1 << 63) - 1
_LOG = logging.getLogger("opentelemetry")
"""The SDK logs each failure; vflow says once what it is."""


class OtlpSender:
    """A `Sender`. Spans wait in a queue of the SDK's (OTEL_BSP_MAX_QUEUE_SIZE, 2,048): beyond, the oldest are
    dropped. Raises: VflowError for variables that cannot be used."""

    def __init__(self, asked: Wanted, warn: Warn) -> None:
        self._warn, self._place = warn, asked.place
        self._made = 0
        self._flushed = False
        self._session = _Session()
        self._records = _Records(warn)
        _LOG.addHandler(self._records)
        _LOG.propagate = False
        try:
            exporter = OTLPSpanExporter(asked.url, session=self._session)
            self._told = _Told(exporter, self._session, asked.place, warn)
            self._processor = BatchSpanProcessor(self._told)
            self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        except ValueError as error:
            self._unlog()
            raise VflowError(f"a variable of OpenTelemetry (OTEL_...) cannot be used: {error}") from None
        self._provider.add_span_processor(self._processor)
        self._tracer = self._provider.get_tracer("vflow", __version__)
        self._records.warn = None

    def send(self, spans: list[TurnSpan], epoch_ns: int) -> None:
        """Send a turn's spans: the first has the others as children. `epoch_ns` is when pipeline time was 0,
        in ns since 1970. One thread; does not wait for the network."""
        parent = Context()
        started = []
        for span in spans:
            about = {**span.attributes, **({"error.type": span.error} if span.error else {})}
            made = self._tracer.start_span(
                str(_whole(span.name)),
                context=parent,
                kind=SpanKind.CLIENT if span.remote else SpanKind.INTERNAL,
                attributes={name: _whole(value) for name, value in about.items()},
                start_time=max(0, epoch_ns + span.start_ns),
            )
            if span.error:
                made.set_status(Status(StatusCode.ERROR))
            self._made += made.is_recording()
            started.append((made, max(0, epoch_ns + span.end_ns)))
            if len(started) == 1:
                parent = set_span_in_context(made, parent)
        for made, end_ns in reversed(started):
            made.end(end_time=end_ns)

    def close(self, within_s: float) -> None:
        """Send what waits; block for at most `within_s`, and not for a second try where a request fails. Tell
        how many spans were not sent."""
        over = self._session.over
        over.clear()
        threading.Thread(target=self._flush, args=(over,), name="vflow:otel", daemon=True).start()
        over.wait(min(within_s, TRY_S) if self._session.problem else within_s)
        self._told.closing = True
        if left := self._made - self._told.done:
            why = self._session.problem or ("too many waited" if self._flushed else "no answer in time")
            self._warn(f"warning: {left:,} spans were not sent to {self._place}: {why}")
        if self._flushed:
            self._end()
        else:  # a request goes on, or is to be tried again
            threading.Thread(target=self._end, name="vflow:otel", daemon=True).start()

    def _flush(self, over: threading.Event) -> None:
        self._processor.force_flush()
        self._flushed = True
        over.set()

    def _end(self) -> None:
        self._told.shutdown()
        self._provider.shutdown()
        self._unlog()

    def _unlog(self) -> None:
        _LOG.removeHandler(self._records)
        _LOG.propagate = True


class _Records(logging.Handler):
    """Passes the SDK's warnings on while it reads its variables; silent from then on."""

    def __init__(self, warn: Warn) -> None:
        super().__init__(logging.WARNING)
        self.warn: Warn | None = warn

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if "eader" in text:  # it has the header, which may be a key
            text = "a header is no NAME=VALUE, and is left out; mend OTEL_EXPORTER_OTLP_HEADERS"
        if self.warn is not None:
            self.warn(f"warning: spans: {text}")


class _Told(SpanExporter):
    """Tells when spans begin to be lost, and when they arrive again. The SDK's thread, one call at a time."""

    def __init__(self, exporter: OTLPSpanExporter, session: _Session, place: str, warn: Warn) -> None:
        self._exporter, self._session, self._place, self._warn = exporter, session, place, warn
        self._lost = 0  # since it last worked
        self.done = 0
        """Spans that were sent or lost."""
        self._shut = False
        self.closing = False
        """Whether losses are told by who closes it."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        try:
            result = self._exporter.export(spans)
            problem = self._session.problem or "it cannot be reached"
        except Exception as error:  # such as a file of certificates that is not there
            result, problem = SpanExportResult.FAILURE, f"{type(error).__name__}: {error}"
        if self.closing:
            return result
        self.done += len(spans)
        if result is SpanExportResult.SUCCESS:
            if self._lost:
                self._warn(f"spans are sent to {self._place} again; {self._lost:,} were lost")
            self._lost = 0
            return result
        if not self._lost:
            self._warn(f"warning: spans cannot be sent to {self._place}, and are lost: {problem}")
        self._lost += len(spans)
        return result

    def shutdown(self) -> None:
        if self._shut:
            return
        self._shut = True
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


class _Session(requests.Session):
    """Notes why the last request failed, in words that show no secret. Follows no redirection: the headers of
    OTEL_EXPORTER_OTLP_HEADERS are for one host."""

    def __init__(self) -> None:
        super().__init__()
        self.problem = ""
        """Why the last request failed; '' where none did."""
        self.over = threading.Event()
        """Whether a request has failed that will be tried again, or all is sent: nobody waits at the end."""

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs["allow_redirects"] = False
        if self.verify is not True:  # requests would let REQUESTS_CA_BUNDLE go before OTEL_..._CERTIFICATE
            kwargs["verify"] = self.verify
        try:
            response = super().request(*args, **kwargs)
        except Exception as error:
            self._note(_reason(error), retried=isinstance(error, requests.RequestException))
            raise
        status = response.status_code
        self._note("" if status < 300 else f"HTTP {status}", retried=status in _RETRIED)
        if 300 <= status < 400:  # the exporter takes it for a success
            raise requests.TooManyRedirects(self.problem)
        return response

    def _note(self, problem: str, retried: bool) -> None:
        self.problem = problem
        if retried:
            self.over.set()
        else:
            self.over.clear()


def _reason(error: BaseException) -> str:
    """Return why a request failed: the system's own words where they are found."""
    seen: list[BaseException] = []
    todo: list[object] = [error]
    while todo:
        found = todo.pop()
        if isinstance(found, BaseException) and not any(found is each for each in seen):
            seen.append(found)
            todo += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]
    for each in reversed(seen):
        if isinstance(each, OSError) and not isinstance(each, requests.RequestException):
            return each.strerror or str(each) or type(each).__name__
    if any(isinstance(each, TimeoutError | requests.Timeout) for each in seen):
        return "no answer in time"
    return type(error).__name__


def _resource() -> Resource:
    named = bool(os.environ.get("OTEL_SERVICE_NAME", "").strip())
    named |= "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "").replace(" ", "")
    return Resource.create({**({} if named else {"service.name": SERVICE}), "service.version": __version__})


def _whole(value: Value) -> Value:
    """Return a value as a protobuf can hold it: one that it cannot would cost its whole batch."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [each.encode("utf-8", "replace").decode() for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return max(-_MOST, min(value, _MOST))
    return value
