"""Find nodes by name: entry points of the group `vflow.nodes`, listed without importing them."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint

from vflow.declarations import require_sound
from vflow.errors import DISTRIBUTION, Unavailable, VflowError, describe, nearest, pass_on_ctrl_c
from vflow.node import Bin, Node
from vflow.props import props_of
from vflow.tracebacks import import_place

GROUP = "vflow.nodes"
NodeClass = type[Node] | type[Bin]


class UnknownNode(VflowError):
    """No node has this name; `mend` suggests the nearest one."""

    def __init__(self, name: str, known: list[str], unread: Sequence[str] = ()) -> None:
        self.name = name
        self.mend = nearest(name, known) or "'vflow inspect' lists all nodes"
        if unread:
            self.mend += f" (the nodes of {', '.join(unread)} cannot be listed: install it anew)"
        super().__init__(f"no node is named {name!r}; {self.mend}")


class Registry:
    """The nodes of the installed packages, and those of the application, `extra`, which go first."""

    def __init__(self, extra: Mapping[str, NodeClass] | None = None) -> None:
        self._extra = dict(extra or {})
        self._sound: set[NodeClass] = set()
        """Classes whose declarations have been checked."""

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return sorted({*_entry_points(), *self._extra})

    def load(self, name: str) -> NodeClass:
        """Return the class with this name; its module is imported.

        Raises: UnknownNode; Unavailable if its module cannot be imported, or holds no node, a bin without a
        graph, or a node whose properties cannot be read; DeclarationError, a kind of Unavailable, if the
        class declares something that cannot work.
        """
        if name in self._extra:
            return self._whole(name, _node_class(name, self._extra[name]))
        points = _entry_points()
        if name not in points:
            raise UnknownNode(name, self.names(), _listing().unread)
        try:
            found = points[name].load()
        except BaseException as error:  # a third party's module: whatever it raises at import
            pass_on_ctrl_c(error)
            place = import_place(points[name].module.partition(".")[0], error)
            text = (
                f"{points[name].value} cannot be imported: {f'{place}: ' if place else ''}{describe(error)}"
            )
            raise Unavailable(text) from error
        return self._whole(points[name].value, _node_class(points[name].value, found))

    def is_own(self, name: str) -> bool:
        """Return whether a node comes with vflow."""
        point = None if name in self._extra else _entry_points().get(name)
        return point is not None and point.dist is not None and point.dist.name == DISTRIBUTION

    def candidates(self, role: str) -> list[str]:
        """Return the names of the nodes that may play a role, not sorted by rank."""
        return [name for name in self.names() if name.startswith(f"{role}.")]

    def _whole(self, place: str, cls: NodeClass) -> NodeClass:
        if cls in self._sound:
            return cls
        if issubclass(cls, Bin) and not isinstance(getattr(cls, "graph", None), str):
            raise Unavailable(f"{place} is a Bin whose 'graph' is no text: set it to the YAML of its graph")
        try:
            props_of(cls)
        except BaseException as error:  # reading properties evaluates annotations, a third party's code
            pass_on_ctrl_c(error)
            raise Unavailable(f"the properties of {place} cannot be read: {describe(error)}") from error
        require_sound(cls)
        self._sound.add(cls)
        return cls


def _node_class(place: str, found: object) -> NodeClass:
    """Return `found` if it is a class of nodes. Raises: Unavailable."""
    if isinstance(found, Node | Bin):
        name = type(found).__name__
        raise Unavailable(
            f"{place} is an instance: name the class {name}, and set its properties in the graph"
        )
    if not (isinstance(found, type) and issubclass(found, Node | Bin)):
        raise Unavailable(f"{place} is neither a Node nor a Bin")
    return found


@dataclass(frozen=True, slots=True)
class _Listing:
    """Entry points by name; `unread` are installed packages whose entry points cannot be read."""

    points: Mapping[str, EntryPoint]
    unread: tuple[str, ...] = ()


def _entry_points() -> Mapping[str, EntryPoint]:
    return _listing().points


@cache
def _listing() -> _Listing:
    try:
        return _Listing({point.name: point for point in importlib.metadata.entry_points(group=GROUP)})
    except Exception:  # one package's metadata is broken (not UTF-8, say): read the others one by one
        found: dict[str, EntryPoint] = {}
        unread: list[str] = []
        for package in importlib.metadata.distributions():
            try:
                points = package.entry_points.select(group=GROUP)
            except Exception:
                unread.append(str(getattr(package, "_path", "a package")))
                continue
            for point in points:
                found.setdefault(point.name, point)
        return _Listing(found, tuple(unread))
