"""Decide where a request goes, and which key goes with it.

A graph may come from a stranger. So it names the environment variable of a key, never the key itself; and a
variable that is known to hold one provider's key is read only for that provider's hosts.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from vflow import Unavailable

OPENAI = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
OWNERS: Mapping[str, tuple[str, ...]] = {
    OPENAI_KEY: ("api.openai.com",),
    "ANTHROPIC_API_KEY": ("api.anthropic.com",),
    "CEREBRAS_API_KEY": ("api.cerebras.ai",),
    "DEEPSEEK_API_KEY": ("api.deepseek.com",),
    "FIREWORKS_API_KEY": ("api.fireworks.ai",),
    "GEMINI_API_KEY": ("generativelanguage.googleapis.com",),
    "GOOGLE_API_KEY": ("generativelanguage.googleapis.com",),
    "GROQ_API_KEY": ("api.groq.com",),
    "HF_TOKEN": ("router.huggingface.co",),
    "MISTRAL_API_KEY": ("api.mistral.ai",),
    "OPENROUTER_API_KEY": ("openrouter.ai",),
    "TOGETHER_API_KEY": ("api.together.xyz", "api.together.ai"),
    "XAI_API_KEY": ("api.x.ai",),
}
"""Variables that hold one provider's key, with its hosts; subdomains count too (eu.api.openai.com)."""
_FOREIGN = (
    "AWS_",
    "AZURE_CLIENT",
    "GH_",
    "GITHUB_",
    "GITLAB_",
    "GOOGLE_APPLICATION",
    "NPM_",
    "SSH_",
    "TWINE_",
)
"""The beginnings of variables whose secrets no language model's endpoint needs."""
_CALLS = ("/chat/completions", "/audio/transcriptions", "/audio/speech", "/models")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` has no slash at its end; `key` is '' if none is sent; `key_env` names the key's variable."""

    url: str
    host: str
    key_env: str = ""
    key: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """The host, with the port if the URL names one, for messages."""
        return urlsplit(self.url).netloc

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return _is_loopback(self.host)

    def hide(self, text: str) -> str:
        """Return the text without the key, or any eight successive characters of it."""
        return _without(text, self.key)


def endpoint(base_url: str, key_env: str | None, environment: Mapping[str, str] = os.environ) -> Endpoint:
    """Return the endpoint for a node's properties. Raises: Unavailable, with what mends it."""
    url, host = _checked(base_url)
    name = key_env or (OPENAI_KEY if _is_at(host, OWNERS[OPENAI_KEY]) else "")
    if not name:
        return Endpoint(url, host)
    if problem := _foreign(name, url, host, environment):
        raise Unavailable(problem)
    key = environment.get(name, "").strip()
    if not key:
        raise Unavailable(
            f"{host} asks for a key, and the environment variable {name} is not set; put the key into it"
            + ("" if key_env else ", or set 'base_url' to another server")
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise Unavailable(
            f"the environment variable {name} holds characters that no key has; put the key into it"
        )
    return Endpoint(url, host, name, key)


def _checked(base_url: str) -> tuple[str, str]:
    """Return a URL without its last slash, and its host. Raises: Unavailable."""
    try:
        parts = urlsplit(base_url.strip())
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError as error:
        raise Unavailable(f"'base_url' is no URL: {error}; write it as {OPENAI}") from None
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Unavailable(
            f"'base_url' has more than an address: write it as {OPENAI}, and name the environment variable "
            "of a key as 'key_env'"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise Unavailable(f"'base_url' is no http or https address; write it as {OPENAI}")
    path = parts.path.rstrip("/")
    for call in _CALLS:
        path = path.removesuffix(call)
    return f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}", host


def _foreign(name: str, url: str, host: str, environment: Mapping[str, str]) -> str:
    """Return why a variable's value must not go to this host; '' if it may."""
    # perhaps the key itself, so do not show it
    if not name.isidentifier() or (name != name.upper() and name not in environment):
        return (
            "'key_env' is the name of an environment variable, such as GROQ_API_KEY, and not the key itself"
        )
    owners = OWNERS.get(name.upper(), ())
    plain = url.startswith("http:") and not _is_loopback(host)
    if _is_at(host, owners):
        return f"{host} would get the key of {name} unencrypted; write https" if plain else ""
    if _is_loopback(host) or (name == OPENAI_KEY and _declared(environment) == host):
        return ""
    if owners:
        declare = " or set OPENAI_BASE_URL to its address in the environment" if name == OPENAI_KEY else ""
        return (
            f"{name} holds a key for {owners[0]}, and does not go to {host}; put the key for {host} into a "
            f"variable of its own, and name that as 'key_env'{declare and ','}{declare}"
        )
    if name.upper().startswith(_FOREIGN):
        return f"{name} is no key for {host}; put that into a variable of its own, and name that as 'key_env'"
    return ""


def _declared(environment: Mapping[str, str]) -> str:
    """Return the host that the environment declares for OPENAI_API_KEY, as OpenAI's own library reads it."""
    try:
        return (urlsplit(environment.get("OPENAI_BASE_URL", "")).hostname or "").lower()
    except ValueError:
        return ""


def _is_at(host: str, owners: tuple[str, ...]) -> bool:
    return any(host == owner or host.endswith(f".{owner}") for owner in owners)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_PIECE = 8
"""No message shows this many successive characters of a key: servers repeat keys in part."""


def _without(text: str, key: str) -> str:
    if not key:
        return text
    size = min(_PIECE, len(key))
    hidden = [False] * len(text)
    pieces = {key[at : at + size] for at in range(len(key) - size + 1)}
    for at in range(len(text) - size + 1):
        if text[at : at + size] in pieces:
            hidden[at : at + size] = [True] * size
    out: list[str] = []
    for character, is_hidden in zip(text, hidden, strict=True):
        if not is_hidden:
            out.append(character)
        elif not out or out[-1] != "***":
            out.append("***")
    return "".join(out)
