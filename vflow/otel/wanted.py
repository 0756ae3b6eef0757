"""Whether spans are wanted, and where: by `--otel`, else by OpenTelemetry's own variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from vflow.errors import VflowError

BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
USUAL = "http://localhost:4318"
PATH = "/v1/traces"
_CAPTURED = ("true", "1", "span_only", "span_and_event")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`url` is where spans are posted to; `by_option` says that `--otel` was given; with `content` what was
    said is in the spans."""

    url: str
    by_option: bool
    content: bool

    @property
    def place(self) -> str:
        """The address for messages: without a password or a key that it may hold."""
        return shown(self.url)


def wanted(option: str | None, environment: Mapping[str, str]) -> Wanted | None:
    """Return what is wanted; None for no spans. `option` is the value of `--otel`: an address, '' for that of
    the environment, None where it was not given. Raises: VflowError for what cannot be done."""
    given = {name: value.strip() for name, value in environment.items() if name.startswith("OTEL_")}
    if option is None and not _asks(given):
        return None
    for name in PROTOCOLS:
        if (protocol := given.get(name, "")) and protocol != "http/protobuf":
            raise VflowError(f"{name} is {protocol!r}, and spans are sent by 'http/protobuf' alone")
    url = option and _traces_at(option)
    url = url or given.get(TRACES) or _traces_at(given.get(BASE) or USUAL)
    if not is_address(url):
        name = TRACES if url == given.get(TRACES) else BASE
        raise VflowError(f"{name} is no address such as {USUAL}")
    return Wanted(url, option is not None, given.get(CAPTURE, "").lower() in _CAPTURED)


def _asks(given: Mapping[str, str]) -> bool:
    """Whether the environment asks for spans."""
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporters = [name.strip() for name in given.get("OTEL_TRACES_EXPORTER", "").split(",") if name.strip()]
    if exporters:
        return "otlp" in exporters
    return bool(given.get(TRACES) or given.get(BASE))


def _traces_at(base: str) -> str:
    """Return where traces go at an endpoint: the path is appended, as OTLP's specification says."""
    base = base.rstrip("/")
    return base if base.endswith(PATH) else base + PATH


def is_address(text: str) -> bool:
    """Return whether a text is an address of HTTP with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def shown(url: str) -> str:
    """Return an address without user, password and query."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"
