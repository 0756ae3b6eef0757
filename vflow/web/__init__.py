"""Serve an agent over the network: the ASGI application, and the parts of `vflow serve`.

`import vflow.web` loads no web server. `app` needs the extra `serve`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from vflow.errors import Unavailable, install_command
from vflow.session.preloaded import Loadable, Preloaded
from vflow.web.doors import Doors, new_token
from vflow.web.limits import Limits
from vflow.web.supply import Supply, serving_options

if TYPE_CHECKING:
    from starlette.applications import Starlette

__all__ = ["Limits", "app"]

NEEDS = ("starlette", "uvicorn", "websockets")
"""The modules of the extra `serve`; an application that is mounted needs only the first."""


def app(
    graph: Loadable | Preloaded,
    *,
    token: str | None = None,
    hosts: Iterable[str] = (),
    behind_proxy: bool = False,
    limits: Limits | None = None,
    overrides: Mapping[str, str] | None = None,
    push_to_talk: bool = False,
) -> Starlette:
    """Return an ASGI application that serves an agent: mount it in FastAPI or Starlette, or run it.

    `graph` is an argument or a result of `vflow.preload`. Without a `token` a random one is made and kept in
    `app.state.token`; '' admits everyone. `hosts` are the server's names besides localhost. `behind_proxy`
    says that a proxy in front of the server speaks TLS. The models are loaded when the application starts; if
    it is mounted in another one, by its first session. Raises: Unavailable without the extra `serve`.
    """
    require(NEEDS[0])
    options: dict[str, Any] = {}
    if not isinstance(graph, Preloaded):
        options = {**serving_options(), "overrides": overrides, "push_to_talk": push_to_talk}
    doors = Doors(new_token() if token is None else token, tuple(hosts), any_scheme=behind_proxy)
    build = importlib.import_module("vflow.web.application").build
    application: Starlette = build(Supply(graph, options), doors, limits or Limits())
    return application


def require(*packages: str) -> None:
    """Raises: Unavailable if one of the packages is not installed."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        are = "are" if len(missing) > 1 else "is"
        raise Unavailable(f"{', '.join(missing)} {are} missing; {install_command('serve')}")
