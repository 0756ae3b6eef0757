"""Use huggingface_hub for a pull: check its environment, bound its waits, give its errors a mend.

Only this module imports it, and only when a pull begins: the import takes a while, and reads the environment.
"""

from __future__ import annotations

import contextlib
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from vflow.errors import Unavailable
from vflow.models import hub_cache

_AGAIN = "pull again: the files that came whole are kept"


@dataclass(frozen=True, slots=True)
class HubLibrary:
    """The library, and the repository to ask it for. `module` is `huggingface_hub`."""

    module: Any
    endpoint: str
    name: str
    revision: str

    @property
    def host(self) -> str:
        """The host that it talks to, for messages."""
        return urlsplit(self.endpoint).hostname or self.endpoint

    def api(self) -> Any:
        """Return an `HfApi` whose requests are bounded and whose answers are checked.

        Raises: Unavailable for an invalid token (an HTTP error would print it), and for proxies or
        certificates of the environment that do not work.
        """
        token = "\0"
        with contextlib.suppress(ValueError):  # raised for a token file that is not text
            token = self.module.get_token() or ""
        if not re.fullmatch(r"[!-~]*", token):
            raise Unavailable("HF_TOKEN holds characters that no token has; copy it again")
        try:
            first = self.module.get_session()
        except Exception as error:  # ssl and httpx raise all kinds, and the text may hold a password
            mend = "check SSL_CERT_FILE, SSL_CERT_DIR and the proxies, such as HTTPS_PROXY"
            raise Unavailable(
                f"this environment allows no connection ({type(error).__name__}); {mend}"
            ) from None
        client, before = type(first), first.event_hooks["request"]
        asked = [*(hook for hook in before if hook is not _set_deadline), _set_deadline]
        hooks = {"request": asked, "response": [_check_names]}
        self.module.set_client_factory(lambda: client(event_hooks=hooks, follow_redirects=True))
        return self.module.HfApi(endpoint=self.endpoint)

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Wrap calls of the library, so that it prints nothing and its errors become Unavailable."""
        logging = self.module.logging
        before = logging.get_verbosity()
        logging.set_verbosity(logging.CRITICAL)  # its lines would garble the progress line
        try:
            with warnings.catch_warnings(action="ignore"):
                yield
        except Unavailable:
            raise
        except Exception as error:  # httpx, hf_xet and the library raise all kinds
            cause = error.__cause__ if isinstance(error, self.module.errors.LocalEntryNotFoundError) else None
            raise Unavailable(printable(self._reason(cause or error))) from error
        finally:
            logging.set_verbosity(before)

    def _reason(self, error: BaseException) -> str:
        """Return what an error means, and its mend."""
        errors = self.module.errors
        if isinstance(error, errors.HfHubHTTPError):
            return self._refusal(error, error.response)
        if isinstance(error, errors.HTTPError):  # httpx's own: no answer, or none in HTTP
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                return f"{self.host} is not trusted; set SSL_CERT_FILE to the certificates of this network"
            silent = type(error).__name__.endswith("Timeout")
            said = f"{self.host} has sent nothing for {timeout_s()} s" if silent else ""
            said = said or f"cannot reach {self.host}: {error or type(error).__name__}"
            return f"{said}; check the network, and HF_ENDPOINT if it is set, and {_AGAIN}"
        if isinstance(error, OSError) and error.errno is not None:
            mend = f"make room or set HF_HOME to another directory, then {_AGAIN}"
            return f"could not store {self.name} in {hub_cache.repository(self.name)}: {error}; {mend}"
        found = str(error).partition("\n")[0] or type(error).__name__
        mend = f"check HF_ENDPOINT, and whether the network asks for a login, and {_AGAIN}"
        return f"{self.host} does not answer as a hub does ({found}); {mend}"

    def _refusal(self, error: Exception, response: Any) -> str:
        """Return what an HTTP status means. A hub hides private repositories from strangers."""
        errors, status, asked = self.module.errors, response.status_code, urlsplit(str(response.url))
        if asked.netloc != urlsplit(self.endpoint).netloc or isinstance(error, errors.EntryNotFoundError):
            return f"{asked.hostname} answers {status} for a file of {self.name}; {_AGAIN}"
        if isinstance(error, errors.RevisionNotFoundError):
            return f"{self.name} has no revision {self.revision!r}; it is a branch, tag or commit"
        absent = isinstance(error, errors.RepositoryNotFoundError) or status == 404
        if isinstance(error, errors.GatedRepoError) or (status in (401, 403) and not absent):
            page, tokens = f"{self.endpoint}/{self.name}", f"{self.endpoint}/settings/tokens"
            mend = f"accept its licence at {page}, and set HF_TOKEN to a token of yours from {tokens}"
            return f"{self.host} refuses {self.name} ({status}); {mend}"
        if absent:
            return f"{self.host} has no {self.name}; check its spelling; a private one needs HF_TOKEN"
        if status == 429:
            wait = response.headers.get("Retry-After", "")
            when = f"in {wait} s" if re.fullmatch("[0-9]{1,9}", wait) else "later"
            return f"{self.host} is asked too often (429); pull again {when}, or with a token in HF_TOKEN"
        mend = _AGAIN if status >= 500 else "check HF_ENDPOINT"
        return f"{self.host} answers {status} for {self.name}; {mend}"


def connect(name: str, revision: str) -> HubLibrary:
    """Return the library, with its telemetry off. Nothing is requested yet.

    Raises: Unavailable if it is not installed, or if the environment is wrong or forbids the network.
    """
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(variable, "").upper() in ("1", "ON", "YES", "TRUE"):
            raise Unavailable(f"{variable} forbids the network; unset it to pull")
    for variable in ("HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"):
        if not re.fullmatch(r"[1-9][0-9]{0,5}", wait := os.environ.get(variable, "10")):
            raise Unavailable(f"{variable} is {wait!r}; it takes whole seconds, such as 10")
    endpoint = _endpoint()
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    try:
        with warnings.catch_warnings(action="ignore"):
            import huggingface_hub.constants
            import huggingface_hub.errors
            import huggingface_hub.utils
    except ImportError as error:
        mend = "pip install 'vflow-voice[speech]'"
        raise Unavailable(f"models of the hub come by huggingface_hub ({error}): {mend}") from None
    huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True  # in case others imported it before
    return HubLibrary(huggingface_hub, endpoint, name, revision)


def timeout_s() -> int:
    """Return the seconds after which a silent hub is given up, or asked again."""
    return int(os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT", "10"))


def _set_deadline(request: Any) -> None:
    """Bound each wait of a request: huggingface_hub 2.4 waits for a list of checksums without an end."""
    request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), timeout_s())


def _endpoint() -> str:
    """Return the hub's address. Raises: Unavailable for an impossible one, or one with a password in it."""
    url = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    with contextlib.suppress(ValueError):  # raised for a bad port, IPv6 address or host name
        parts = urlsplit(url)
        plain = url.isprintable() and re.fullmatch(r"https?://[^/@\s]+(/\S*)?", url)
        if plain and parts.hostname and parts.hostname.encode("idna") and parts.port != 0:
            return url
    raise Unavailable("HF_ENDPOINT is no address of a hub; one reads https://HOST")


def _check_names(response: Any) -> None:
    """Refuse metadata that would lead out of the cache: huggingface_hub 2.4 stores a file by any ETag."""
    if response.request.method == "HEAD":
        for header in ("ETag", "X-Linked-Etag", "X-Repo-Commit"):
            if re.search(r"[/\\]|\.\.", response.headers.get(header, "").removeprefix("W/")):
                raise ValueError(f"its {header} is a path")


def printable(text: str) -> str:
    """Return a text from outside without characters that move a terminal's cursor or change its colours."""
    return "".join(char if char.isprintable() else "?" for char in text)
