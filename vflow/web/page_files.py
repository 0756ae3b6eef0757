"""Read the page's files once, and serve them from memory: no request reaches the file system."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

INDEX = "index.html"
TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "ico": "image/x-icon",
    "webmanifest": "application/manifest+json",
    "txt": "text/plain; charset=utf-8",
}
"""Media types by file extension; files of other extensions are not served."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file: its media type, its bytes, and the tag by which a browser knows it again."""

    media_type: str
    body: bytes
    etag: str


def answer(files: Mapping[str, PageFile], request: Request) -> Response:
    """Return the file that a request names, or 304 if the browser has it. Raises: HTTPException if there is
    none."""
    file = files.get(request.path_params.get("name", ""))
    if file is None:
        raise HTTPException(404)
    headers = {"etag": file.etag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == file.etag:
        return Response(status_code=304, headers=headers)
    return Response(file.body, media_type=file.media_type, headers=headers)


def read_page(folder: Traversable | None = None, index: str = INDEX) -> dict[str, PageFile]:
    """The files of the page by name, the index also as ''. Other pages are not among them."""
    if folder is None:
        folder = resources.files("vflow.web") / "page"
    found: dict[str, PageFile] = {}
    if folder.is_dir():
        for file in folder.iterdir():
            media_type = TYPES.get(file.name.rpartition(".")[2])
            if file.name.endswith(".html") and file.name != index:
                continue
            if media_type is not None and file.is_file() and not file.name.startswith("."):
                body = file.read_bytes()
                etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
                found[file.name] = PageFile(media_type, body, etag)
    if index in found:
        found[""] = found[index]
    return found
