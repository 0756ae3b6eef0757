"""What becomes of a node that raises: its `on_error` is applied, and what fails the pipeline is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from vflow.errors import NodeError, Signal, Stopped, Unavailable, VflowError, describe, pass_on_ctrl_c
from vflow.graph.graph import ErrorPolicy, Graph
from vflow.graph.secrets import Secrets
from vflow.node import Node
from vflow.runtime.announcer import Announcer
from vflow.runtime.runner import Runner
from vflow.runtime.segment import Segment


class Failures:
    """Applies the policies of a graph. Any thread may call.

    `give_up()` ends the pipeline's threads; it does not wait for them. `closed(name, error)` is called
    after each `close` of a node that is restarted.
    """

    def __init__(
        self,
        graph: Graph,
        announcer: Announcer,
        give_up: Callable[[], None],
        closed: Callable[[str, BaseException | None], None],
    ) -> None:
        self._graph, self._announcer, self._give_up, self._closed = graph, announcer, give_up, closed
        self._restarts: dict[str, int] = {}  # of a node: its thread's
        self._lock = threading.Lock()
        self._first: NodeError | None = None  # guarded by _lock

    @property
    def first(self) -> NodeError | None:
        """What failed the pipeline first; None where nothing did."""
        return self._first

    def failed(self, segment: Segment, runner: Runner, error: BaseException) -> bool:
        """Apply the node's `on_error`, in its thread; whether it was restarted. No policy is for a node that
        calls sys.exit, or the like: it fails the pipeline.

        Raises: Stopped where the pipeline fails.
        """
        policy = self._graph.nodes[runner.name].on_error if isinstance(error, Exception) else ErrorPolicy()
        attributed = self.attributed(runner.name, error)
        late = segment.left  # nothing more comes to it: a restart would be for nothing
        if policy.action == "skip" or (policy.action == "restart" and late):
            self._announcer.say("warning", f"skipped: {attributed.message}", runner.name, error=attributed)
            return False
        if policy.action == "restart":
            count = self._restarts[runner.name] = self._restarts.get(runner.name, 0) + 1
            if count <= policy.limit:
                text = f"restart {count} of {policy.limit}: {attributed.message}"
                self._announcer.say("warning", text, runner.name, error=attributed)
                return self._restart(segment, runner, policy)
        self.fail(attributed)
        raise Stopped

    def _restart(self, segment: Segment, runner: Runner, policy: ErrorPolicy) -> bool:
        node = runner.node
        segment.wake_at(runner, None)
        self._close(runner)
        segment.rest(policy.backoff_ns)
        try:
            node.open()
            node.warm_up()
        except Signal:
            raise
        except BaseException as error:  # a node's own code, sys.exit included
            return self.failed(segment, runner, reason(node, error))
        try:
            segment.check()
        except Stopped:  # it may have been closed before it was open
            self._close(runner)
            raise
        return True

    def _close(self, runner: Runner) -> None:
        failure: BaseException | None = None
        try:
            runner.node.close()
        except Signal:
            raise
        except BaseException as error:  # a node's own code, sys.exit included
            failure = error
        self._closed(runner.name, failure)

    def not_opened(self, node: Node, name: str, error: Exception) -> NodeError:
        """Fail the pipeline: a node could not be opened."""
        return self.fail(self.attributed(name, reason(node, error)))

    def not_closed(self, name: str, error: BaseException) -> None:
        """Warn of what a node's `close` raised, or that of a model that it shared: nothing fails by it."""
        attributed = self.attributed(name, error)
        self._announcer.say("warning", f"close: {attributed.message}", name, error=attributed)

    def crashed(self, segment: Segment, error: BaseException) -> None:
        """Fail the pipeline: a segment's thread ends by what no `on_error` is for."""
        self.fail(self.attributed(_culprit(segment, error), error))

    def fail(self, error: NodeError) -> NodeError:
        """Fail the pipeline; returns the error."""
        with self._lock:
            self._first = self._first or error
        self._announcer.say("error", error.message, error.node, error=error)
        self._give_up()
        return error

    def attributed(self, name: str, error: BaseException) -> NodeError:
        """An error as one of the node with this name: with the node's place in the graph's file and the line
        of its own code, without what the environment gave to the graph."""
        node, hide = self._graph.nodes[name], self._graph.secrets.hide
        if isinstance(error, NodeError):
            if error.place is not None and hide(error.message) == error.message:
                return error
            attributed = NodeError(error.node, hide(error.message), error.place or node.place)
        else:
            attributed = NodeError(name, hide(describe(error, node.cls)), node.place)
        attributed.__cause__ = _without_secrets(error, self._graph.secrets)
        return attributed


def _culprit(segment: Segment, error: BaseException) -> str:
    """The node whose code is innermost in an error's traceback; the segment's first where there is none."""
    names = {id(runner.node): runner.name for runner in segment.runners}
    found = segment.head.name
    trace = error.__traceback__
    while trace is not None:
        found = names.get(id(trace.tb_frame.f_locals.get("self")), found)
        trace = trace.tb_next
    return found


def _without_secrets(error: BaseException, secrets: Secrets) -> BaseException:
    """An error for a traceback. Where a text in its chain holds what the environment gave, one of ours with
    the same traceback stands for it."""
    if not secrets.values:
        return error
    texts = [text for link in _chain(error) for text in (describe(link), *getattr(link, "__notes__", ()))]
    if all(secrets.hide(text) == text for text in map(str, texts)):
        return error
    kind = Unavailable if isinstance(error, Unavailable) else VflowError
    return kind(secrets.hide(describe(error))).with_traceback(error.__traceback__)


def _chain(error: BaseException) -> Iterable[BaseException]:
    """An error, and all that a traceback of it shows: causes, contexts and the members of groups."""
    found: dict[int, BaseException] = {}
    todo: list[BaseException | None] = [error]
    while todo:
        link = todo.pop()
        if link is None or id(link) in found:
            continue
        found[id(link)] = link
        todo += [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            todo += link.exceptions
    return found.values()


def reason(node: Node, error: BaseException) -> BaseException:
    """Why a node could not be opened: where it lacks a library, what it says of itself, which names the mend.
    Other errors have other reasons."""
    if not isinstance(error, ImportError):
        return error
    try:
        said = node.unavailable()
    except BaseException as raised:  # a node's own code
        pass_on_ctrl_c(raised)
        return error
    if not said:
        return error
    missing = Unavailable(said)
    missing.__cause__ = error
    return missing
