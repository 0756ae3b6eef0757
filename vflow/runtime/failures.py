"""Handle nodes that raise: apply their `on_error`, and keep the error that fails the pipeline."""

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
    """Applies the error policies of a graph. Any thread may call.

    `give_up()` ends the pipeline's threads without waiting for them. `closed(name, error)` is called after
    each `close` of a node that is restarted.
    """

    def __init__(
        self,
        graph: Graph,
        announcer: Announcer,
        give_up: Callable[[], None],
        closed: Callable[[str, BaseException | None], None],
    ) -> None:
        self._graph, self._announcer, self._give_up, self._closed = graph, announcer, give_up, closed
        self._restarts: dict[str, int] = {}  # by node; only its own thread writes the entry
        self._lock = threading.Lock()
        self._first: NodeError | None = None  # guarded by _lock

    @property
    def first(self) -> NodeError | None:
        """The first error that failed the pipeline; None if there is none."""
        return self._first

    def failed(self, segment: Segment, runner: Runner, error: BaseException) -> bool:
        """Apply the node's `on_error`, in its thread. Return whether the node was restarted. A node that
        calls sys.exit or the like fails the pipeline, whatever its policy.

        Raises: Stopped if the pipeline fails.
        """
        policy = self._graph.nodes[runner.name].on_error if isinstance(error, Exception) else ErrorPolicy()
        attributed = self.attributed(runner.name, error)
        late = segment.left  # its input has ended: a restart would gain nothing
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
        except BaseException as error:  # the node's own code may raise anything, sys.exit included
            return self.failed(segment, runner, reason(node, error))
        try:
            segment.check()
        except Stopped:  # the pipeline may have closed the node before this opened it again
            self._close(runner)
            raise
        return True

    def _close(self, runner: Runner) -> None:
        failure: BaseException | None = None
        try:
            runner.node.close()
        except Signal:
            raise
        except BaseException as error:  # the node's own code may raise anything, sys.exit included
            failure = error
        self._closed(runner.name, failure)

    def not_opened(self, node: Node, name: str, error: Exception) -> NodeError:
        """Fail the pipeline because a node could not be opened."""
        return self.fail(self.attributed(name, reason(node, error)))

    def not_closed(self, name: str, error: BaseException) -> None:
        """Warn of an error in the `close` of a node, or of a model that it shared. The pipeline goes on."""
        attributed = self.attributed(name, error)
        self._announcer.say("warning", f"close: {attributed.message}", name, error=attributed)

    def crashed(self, segment: Segment, error: BaseException) -> None:
        """Fail the pipeline because an error that no `on_error` handles ends a segment's thread."""
        self.fail(self.attributed(_culprit(segment, error), error))

    def fail(self, error: NodeError) -> NodeError:
        """Fail the pipeline and return the error."""
        with self._lock:
            self._first = self._first or error
        self._announcer.say("error", error.message, error.node, error=error)
        self._give_up()
        return error

    def attributed(self, name: str, error: BaseException) -> NodeError:
        """Return an error as one of the node with this name: with the node's place in the graph file and the
        line in its own code, and with values from the environment hidden."""
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
    """Return the node whose code is innermost in the traceback; the segment's first node if there is none."""
    names = {id(runner.node): runner.name for runner in segment.runners}
    found = segment.head.name
    trace = error.__traceback__
    while trace is not None:
        found = names.get(id(trace.tb_frame.f_locals.get("self")), found)
        trace = trace.tb_next
    return found


def _without_secrets(error: BaseException, secrets: Secrets) -> BaseException:
    """Return an error that a traceback may print. If a text in its chain holds a value from the environment,
    return one of vflow's own errors in its place, with the same traceback."""
    if not secrets.values:
        return error
    texts = [text for link in _chain(error) for text in (describe(link), *getattr(link, "__notes__", ()))]
    if all(secrets.hide(text) == text for text in map(str, texts)):
        return error
    kind = Unavailable if isinstance(error, Unavailable) else VflowError
    return kind(secrets.hide(describe(error))).with_traceback(error.__traceback__)


def _chain(error: BaseException) -> Iterable[BaseException]:
    """Return an error and all others that its traceback prints: causes, contexts and members of groups."""
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
    """Return why a node could not be opened. For a missing library that is the node's own `unavailable()`,
    which names the mend; for anything else, the error itself."""
    if not isinstance(error, ImportError):
        return error
    try:
        said = node.unavailable()
    except BaseException as raised:  # the node's own code may raise anything
        pass_on_ctrl_c(raised)
        return error
    if not said:
        return error
    missing = Unavailable(said)
    missing.__cause__ = error
    return missing
