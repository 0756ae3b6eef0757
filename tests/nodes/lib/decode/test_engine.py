"""The engine and its scheduler on a device without a model: every token shows what its slot held."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from tests.nodes.lib.decode.models import (
    LAGS,
    Gate,
    Scripted,
    answered,
    free,
    gated,
    hashed,
    scripted,
    settled,
    taken,
    tokens_of,
    vocabulary,
)
from vflow_nodes.lib.decode.engine import Engine
from vflow_nodes.lib.decode.errors import Closed, DecodeError, Failed, Full, TooLong
from vflow_nodes.lib.decode.prompt import Embeds, Prompt
from vflow_nodes.lib.decode.reply import Reply
from vflow_nodes.lib.decode.session import DecodeSession

Before = Callable[[str, Sequence[int]], None]
WORDS = vocabulary()


def keys(number: int, length: int) -> list[int]:
    """Return a prompt that shares no beginning with that of another number."""
    return [1000 * number + i for i in range(length)]


def ending(after: int) -> Callable[[Sequence[int]], int]:
    """Return an answer function whose replies end when a slot holds `after` positions."""
    return lambda held: 2 if len(held) >= after else hashed(held)


def idle(engine: Engine) -> dict[str, Any]:
    """Wait as `settled` does, and until no slot is at work; return the statistics."""
    settled(engine)  # what was asked for has a slot from here on
    for _ in range(1000):  # each round is a turn of its loop
        if not (found := settled(engine))["busy"]:
            return found
    raise AssertionError("the engine is still busy")


def failing(what: str, error: Exception, when: Callable[[Sequence[int]], bool]) -> Before:
    """Return a `before` that fails the first work of this kind on slots for which `when` is true."""
    left = [error]

    def before(kind: str, slots: Sequence[int]) -> None:
        if kind == what and left and when(slots):
            raise left.pop()

    return before


@LAGS
def test_replies_made_together_equal_replies_made_alone(lag: bool) -> None:
    device = Scripted(hashed, slots=3)
    with scripted(device, WORDS, lag=lag, chunk=4, alone=6) as engine:
        asked = [(keys(n, 3 + 5 * n), 10 + 3 * n) for n in range(9)]
        replies = [
            DecodeSession(engine).generate(Prompt(prompt), free(n), patience_s=60) for prompt, n in asked
        ]
        for (prompt, n), reply in zip(asked, replies, strict=True):
            assert tokens_of(reply) == answered(hashed, prompt, n)
            assert reply.stop_reason == "limit"
        assert settled(engine)["replies"] == 9
        assert settled(engine)["busy"] == 0


@LAGS
def test_end_token_and_tokens_on_their_way_are_not_part_of_the_reply(lag: bool) -> None:
    device = Scripted(ending(20), slots=1)
    with scripted(device, WORDS, lag=lag) as engine:
        session = DecodeSession(engine)
        reply = session.generate(Prompt(keys(1, 12)), free(50))
        assert tokens_of(reply) == answered(device.answer, keys(1, 12), 50)
        assert (len(reply.tokens), reply.stop_reason) == (8, "eos")
        follow = [*keys(1, 12), *reply.tokens, 2, 9]
        device.answer = hashed
        assert tokens_of(session.generate(Prompt(follow), free(5))) == answered(hashed, follow, 5)
        assert settled(engine)["reused"] == 20, "the prompt and the reply"


@LAGS
def test_session_gets_no_token_of_the_slot_s_former_session(lag: bool) -> None:
    """The first session's reply is cancelled while a step of it is on its way."""
    gate, device = gated(slots=1)
    with scripted(device, WORDS, lag=lag) as engine:
        first = DecodeSession(engine).generate(Prompt(keys(1, 5)), free(50))
        gate.let(3)
        for _ in range(4):
            gate.wait_reached()
        second = DecodeSession(engine).generate(Prompt(keys(2, 7)), free(20))
        first.cancel()
        gate.let(100)
        assert tokens_of(second) == answered(hashed, keys(2, 7), 20)
        assert taken(first) == []
        assert first.stop_reason == "flush"


def test_a_long_prompt_does_not_hold_up_a_short_one() -> None:
    gate, device = gated("prefill", slots=2, context=4000)
    with scripted(device, WORDS, chunk=100, alone=100) as engine:
        long = DecodeSession(engine).generate(Prompt(keys(1, 999)), free(5))
        gate.wait_reached()
        short = DecodeSession(engine).generate(Prompt(keys(2, 150)), free(5))
        gate.let(100)
        assert tokens_of(short) == answered(hashed, keys(2, 150), 5)
        assert tokens_of(long) == answered(hashed, keys(1, 999), 5)
        work = [(slots[0], amount) for what, slots, amount in device.log if what == "prefill"]
        assert work[1:5] == [(0, 100), (1, 100), (0, 100), (1, 50)]


def test_a_reply_goes_on_while_another_prompt_is_computed() -> None:
    gate, device = gated(slots=2, context=4000)
    with scripted(device, WORDS, chunk=10, alone=10) as engine:
        first = DecodeSession(engine).generate(Prompt(keys(1, 5)), free(30))
        gate.wait_reached()
        DecodeSession(engine).prefill(Prompt(keys(2, 200)))
        gate.let(100)
        taken(first)
        settled(engine)
        kinds = [what for what, _, _ in device.log if what != "first"]
        begin = kinds.index("step")
        assert kinds[begin + 1 : begin + 21] == ["prefill", "step"] * 10


def test_queue_has_the_requests_that_no_slot_works_on_yet() -> None:
    gate, device = gated(slots=1)
    with scripted(device, WORDS) as engine:
        assert engine.queue() == {
            "waiting": 0, "oldest_s": 0.0, "waits": 0, "waited_s": 0.0, "slots": 1, "busy": 0,
        }  # fmt: skip
        first = DecodeSession(engine).generate(Prompt(keys(1, 4)), free(4))
        gate.wait_reached()
        others = [DecodeSession(engine).generate(Prompt(keys(n, 4)), free(4)) for n in (2, 3)]
        vain = DecodeSession(engine).generate(Prompt(keys(4, 4)), free(4), patience_s=0.0)
        gate.let(1)  # a step, after which it takes the requests
        gate.wait_reached()
        during = engine.queue()
        assert (during["waiting"], during["busy"]) == (2, 1)
        assert during["oldest_s"] > 0
        assert during["waits"] == 2  # the first, and the one in vain
        gate.let(200)
        with pytest.raises(Full):
            taken(vain)
        for reply in (first, *others):
            taken(reply)
        after = {**idle(engine), **engine.queue()}
    assert (after["waiting"], after["oldest_s"], after["waits"], after["busy"]) == (0, 0.0, 4, 0)
    assert after["waited_s"] >= during["waited_s"] > 0


def test_when_every_slot_is_busy_a_request_fails_at_its_deadline_and_says_why() -> None:
    gate, device = gated(slots=2)
    with scripted(device, WORDS) as engine:
        busy = [DecodeSession(engine).generate(Prompt(keys(n, 4)), free(40)) for n in (1, 2)]
        gate.wait_reached()
        late = DecodeSession(engine).generate(Prompt(keys(3, 4)), free(4), patience_s=0.0)
        gate.let(200)
        with pytest.raises(
            Full, match=r"^all 2 slots of the engine were busy; set 'slots' higher, or wait longer$"
        ):
            taken(late)
        assert late.stop_reason == "error"
        for n, reply in enumerate(busy, 1):
            assert tokens_of(reply) == answered(hashed, keys(n, 4), 40)


def test_a_request_that_can_wait_is_served_when_a_slot_is_free() -> None:
    device = Scripted(hashed, slots=1)
    with scripted(device, WORDS) as engine:
        replies = [
            DecodeSession(engine).generate(Prompt(keys(n, 4)), free(30), patience_s=60) for n in range(4)
        ]
        for n, reply in enumerate(replies):
            assert tokens_of(reply) == answered(hashed, keys(n, 4), 30)


def test_a_session_whose_slot_was_taken_while_it_rested_computes_its_prompt_again() -> None:
    device = Scripted(hashed, slots=2)
    with scripted(device, WORDS) as engine:
        resting, *others = sessions = [DecodeSession(engine) for _ in range(3)]
        for n, session in enumerate(sessions):
            tokens_of(session.generate(Prompt(keys(n, 50)), free(5)))
        assert len(others) == device.slots
        before = settled(engine)["prefilled"]
        assert tokens_of(resting.generate(Prompt(keys(0, 60)), free(5))) == answered(hashed, keys(0, 60), 5)
        assert settled(engine)["prefilled"] - before == 60


def test_unread_reply_pauses_until_its_words_are_taken() -> None:
    gate, device = gated(slots=2)
    gate.let(1000)
    with scripted(device, WORDS, ahead=8) as engine:
        left = DecodeSession(engine).generate(Prompt(keys(1, 5)), free(100))
        other = DecodeSession(engine).generate(Prompt(keys(2, 5)), free(100))
        assert tokens_of(other) == answered(hashed, keys(2, 5), 100)
        steps = sum(0 in slots for what, slots, _ in device.log if what == "step")
        assert steps == 7, "the prompt gave the first of 8 tokens"
        assert settled(engine)["busy"] == 1
        assert tokens_of(left) == answered(hashed, keys(1, 5), 100)
        assert left.stop_reason == "limit"


@LAGS
@pytest.mark.parametrize("what", ["prefill", "first", "step", "read"])
def test_when_the_device_fails_its_sessions_get_an_error_and_the_engine_lives(what: str, lag: bool) -> None:
    device = Scripted(hashed, slots=2)

    def ruined(slots: Sequence[int]) -> bool:
        """Fail, and leave garbage in the slot, as failed work may."""
        if 1 in slots:
            device.held[1][:] = [-1] * len(device.held[1])
        return 1 in slots

    device.before = failing(what, RuntimeError("it broke\nat some line"), ruined)
    with scripted(device, WORDS, lag=lag, chunk=5, alone=5) as engine:
        well = DecodeSession(engine)
        taken(well.generate(Prompt(keys(1, 12)), free(5)))
        session = DecodeSession(engine)
        reply = session.generate(Prompt(keys(2, 12)), free(5))
        with pytest.raises(Failed, match=r"^RuntimeError at a (prompt of 12 tokens|step.*): it broke$"):
            taken(reply)
        assert reply.stop_reason == "error"
        assert settled(engine)["failed"] == 1
        for n, asker in ((1, well), (2, session)):
            assert tokens_of(asker.generate(Prompt(keys(n, 14)), free(9))) == answered(hashed, keys(n, 14), 9)
        assert settled(engine)["busy"] == 0


def test_failed_prompt_does_not_disturb_a_running_reply() -> None:
    gate, fail = Gate(), failing("prefill", MemoryError("no room"), lambda slots: 1 in slots)

    def before(what: str, slots: Sequence[int]) -> None:
        fail(what, slots)
        if what == "step":
            gate.wait()

    with scripted(Scripted(hashed, slots=2, before=before), WORDS) as engine:
        well = DecodeSession(engine).generate(Prompt(keys(1, 12)), free(40))
        gate.wait_reached()
        ill = DecodeSession(engine).generate(Prompt(keys(2, 12)), free(40))
        gate.let(100)
        with pytest.raises(Failed, match=r"^MemoryError at a prompt of 12 tokens: no room$"):
            taken(ill)
        assert tokens_of(well) == answered(hashed, keys(1, 12), 40)


def test_failure_after_a_reply_s_end_does_not_fail_it() -> None:
    """The step that was on its way when a reply ended fails when it is read."""
    device = Scripted(ending(14), slots=1)
    reads = []

    def before(what: str, slots: Sequence[int]) -> None:
        if what == "read":
            reads.append(slots)
            if len(reads) == 4:
                raise RuntimeError("late")

    device.before = before
    with scripted(device, WORDS, lag=True) as engine:
        reply = DecodeSession(engine).generate(Prompt(keys(1, 12)), free(50))
        assert len(tokens_of(reply)) == 2
        assert reply.stop_reason == "eos"
        assert settled(engine)["failed"] == 0
        assert len(reads) == 4


def test_failing_embeddings_fail_only_their_session() -> None:
    device = Scripted(hashed, slots=2)

    def prefill(slot: int, prompt: Prompt, start: int, stop: int) -> None:
        for run in prompt.runs(start, stop):
            if not isinstance(run, list):
                run[0].rows()
        Scripted.prefill(device, slot, prompt, start, stop)

    device.prefill = prefill  # type: ignore[method-assign]
    with scripted(device, WORDS) as engine:
        audio = Embeds(4, lambda: torch.zeros(3, 8))
        expected = r"^ValueError at a prompt of 6 tokens: 3 embeddings were made where 4 were announced$"
        for _ in range(2):
            with pytest.raises(Failed, match=expected):
                taken(DecodeSession(engine).generate(Prompt([1, audio, 5]), free(9)))
        assert tokens_of(DecodeSession(engine).generate(Prompt([1, 5]), free(9))) == answered(
            hashed, [1, 5], 9
        )


def test_close_ends_running_and_waiting_replies_with_an_error() -> None:
    gate, device = gated(slots=1)
    with scripted(device, WORDS) as engine:
        replies = [DecodeSession(engine).generate(Prompt(keys(n, 4)), free(50)) for n in range(3)]
        gate.wait_reached()
        engine.close(timeout_s=0.0)
        gate.let(100)
        for reply in replies:
            with pytest.raises(Closed, match=r"^the decode engine was closed$"):
                taken(reply)
        engine.close()


def test_a_request_that_comes_while_the_engine_closes_is_answered_with_an_error() -> None:
    gate, device = gated(slots=1)
    with scripted(device, WORDS) as engine:
        DecodeSession(engine).generate(Prompt(keys(1, 4)), free(50))
        gate.wait_reached()
        late: Reply = DecodeSession(engine).generate(Prompt(keys(2, 4)), free(50))
        engine.close(timeout_s=0.0)
        gate.let(100)
        with pytest.raises(Closed, match=r"^the decode engine was closed$"):
            taken(late)


def test_closed_engine_refuses_requests_but_sessions_can_close() -> None:
    with scripted(Scripted(hashed), WORDS) as engine:
        session = DecodeSession(engine)
        reply = session.generate(Prompt(keys(1, 4)), free(2))
        taken(reply)
    assert not engine.open
    for ask in (session.generate, session.prefill):
        with pytest.raises(Closed, match=r"^the decode engine is closed$"):
            ask(Prompt([1]))
    session.close()
    session.close()
    reply.cancel()


def test_a_prompt_that_does_not_fit_is_refused_before_it_is_sent() -> None:
    with scripted(Scripted(hashed, context=10), WORDS) as engine:
        session = DecodeSession(engine)
        for length in (0, 9, 10, 1000):
            with pytest.raises(
                TooLong,
                match=rf"^the prompt has {length} tokens, the engine's context 10; set 'context' higher",
            ):
                session.generate(Prompt([5] * length))
        reply = session.generate(Prompt([5] * 8), free(50))
        assert tokens_of(reply) == answered(hashed, [5] * 8, 1)
        assert reply.limit == 1


def test_a_new_request_ends_the_one_before() -> None:
    device = Scripted(hashed, slots=2)
    with scripted(device, WORDS, ahead=4) as engine:
        session = DecodeSession(engine)
        first = session.generate(Prompt(keys(1, 4)), free(500))
        second = session.generate(Prompt(keys(1, 6)), free(5))
        assert tokens_of(second) == answered(hashed, keys(1, 6), 5)
        assert settled(engine)["busy"] == 0
        assert settled(engine)["cancelled"] == 1
        taken(first)
        assert first.stop_reason == "flush"


def test_a_prompt_computed_ahead_is_not_computed_again() -> None:
    with scripted(Scripted(hashed, slots=2), WORDS, chunk=7, alone=7) as engine:
        session = DecodeSession(engine)
        session.prefill(Prompt(keys(1, 40)))
        assert idle(engine)["prefilled"] == 40
        reply = session.generate(Prompt(keys(1, 55)), free(6))
        assert tokens_of(reply) == answered(hashed, keys(1, 55), 6)
        assert settled(engine)["prefilled"] == 55
        session.prefill(Prompt(keys(1, 55)))
        assert idle(engine)["prefilled"] == 56, "the last position: the logits behind it are wanted"
        again = session.generate(Prompt(keys(1, 55)), free(6))
        assert tokens_of(again) == answered(hashed, keys(1, 55), 6)
        assert settled(engine)["prefilled"] == 57


def test_submitted_work_runs_in_the_engine_s_thread_and_raises_at_the_caller() -> None:
    with scripted(Scripted(hashed), WORDS) as engine:
        assert engine.call(lambda: threading.current_thread().name).result(20) == "vflow:decode"
        with pytest.raises(ZeroDivisionError):
            engine.call(lambda: 1 // 0).result(20)
        assert engine.call(lambda: 7).result(20) == 7


def test_close_ends_an_engine_whose_thread_is_looking_for_work() -> None:
    """The thread clears its call, and with it the one that says that the engine is closed."""
    engine = Engine(Scripted(hashed, slots=1, context=64), WORDS)

    class Late(threading.Event):
        def clear(self) -> None:
            engine._closing = True
            self.set()
            super().clear()

    engine._awake = Late()
    engine.start()
    thread = engine._thread
    assert thread is not None
    thread.join(20)
    assert not thread.is_alive()


def died(reply: Reply, why: str = "RuntimeError: a fault") -> None:
    """Check that a reply ends with the cause of the engine's death."""
    with pytest.raises(Failed, match=rf"^the decode engine ended: {why}$"):
        taken(reply)


def fault(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("a fault")


FAULTS = [kind("a fault") for kind in (RuntimeError, MemoryError, SystemExit, KeyboardInterrupt)]


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_dying_engine_ends_every_reply_with_the_cause(error: BaseException) -> None:
    gate, device = gated(slots=2)
    with scripted(device, WORDS) as engine:
        replies = [DecodeSession(engine).generate(Prompt(keys(n, 4)), free(50)) for n in range(3)]
        gate.wait_reached()

        def plan(now: float) -> Any:
            raise error

        engine._scheduler.plan = plan  # type: ignore[method-assign]
        gate.let(100)
        for reply in replies:
            died(reply, f"{type(error).__name__}: a fault")
        assert not engine.open
        with pytest.raises(Closed, match=rf"^the decode engine ended: {type(error).__name__}: a fault$"):
            engine.call(engine.stats)


def test_second_fault_while_the_engine_ends_leaves_no_reply_waiting() -> None:
    """That holds for replies at work, for one that waits for a slot, and for the last requests."""
    gate, device = gated(slots=2)
    with scripted(device, WORDS) as engine:
        sessions = [DecodeSession(engine) for _ in range(4)]
        replies = [s.generate(Prompt(keys(n, 4)), free(50)) for n, s in enumerate(sessions[:3])]
        gate.wait_reached()
        engine._scheduler.finish = fault  # type: ignore[method-assign]
        replies[0].cancel()
        late = [s.generate(Prompt(keys(n, 5)), free(50)) for n, s in enumerate(sessions)]
        call = engine.call(engine.stats)
        gate.let(100)
        for reply in (*replies[1:], *late):
            died(reply)
        assert taken(replies[0]) == []
        with pytest.raises(Failed, match=r"^the decode engine ended: RuntimeError: a fault$"):
            call.result(20)


def test_reply_that_cannot_be_ended_does_not_block_the_others() -> None:
    gate, device = gated(slots=2)
    with scripted(device, WORDS) as engine:
        first, second = (DecodeSession(engine).generate(Prompt(keys(n, 4)), free(50)) for n in range(2))
        gate.wait_reached()
        first.end = fault  # type: ignore[method-assign]
        engine.ask(fault)
        gate.let(100)
        died(second)


def test_prompt_computed_ahead_does_not_delay_a_dying_engine() -> None:
    gate, device = gated("prefill", slots=1)
    with scripted(device, WORDS) as engine:
        session = DecodeSession(engine)
        session.prefill(Prompt(keys(1, 4)))
        gate.wait_reached()
        engine.ask(fault)
        gate.let(100)
        assert engine._thread is not None
        engine._thread.join(20)
        assert not engine.open
        session.close()


def test_many_cancels_at_a_dying_engine_still_end_all_replies() -> None:
    gate, device = gated(slots=3)
    with scripted(device, WORDS) as engine:
        sessions = [DecodeSession(engine) for _ in range(12)]
        replies = [s.generate(Prompt(keys(n, 4)), free(50)) for n, s in enumerate(sessions)]
        gate.wait_reached()
        engine._scheduler.release = fault  # type: ignore[method-assign]
        start = threading.Barrier(6)

        def storm(number: int) -> None:
            start.wait(20)
            for session, reply in list(zip(sessions, replies, strict=True))[number::5]:
                reply.cancel()
                session.close()

        threads = [threading.Thread(target=storm, args=[n]) for n in range(5)]
        for thread in threads:
            thread.start()
        start.wait(20)
        gate.let(100)
        for thread in threads:
            thread.join(20)
        assert engine._thread is not None
        engine._thread.join(20)
        assert not engine._thread.is_alive()
        assert [taken(reply) for reply in replies] == [[]] * 12


def test_engine_whose_thread_count_cannot_be_set_fails_its_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "set_num_threads", fault)
    engine = Engine(Scripted(hashed), WORDS, threads=2)
    reply = DecodeSession(engine).generate(Prompt([1]), free(9))
    engine.start()
    died(reply)
    engine.close()


def test_engine_that_cannot_start_a_thread_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(Scripted(hashed), WORDS)
    reply = DecodeSession(engine).generate(Prompt([1]), free(9))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fault)
        with pytest.raises(RuntimeError, match="a fault"):
            engine.start()
    with pytest.raises(Closed):
        taken(reply)
    assert not engine.open
    engine.close()


def test_close_fails_the_requests_of_an_engine_that_never_started() -> None:
    engine = Engine(Scripted(hashed), WORDS)
    reply, call = DecodeSession(engine).generate(Prompt([1]), free(9)), engine.call(engine.stats)
    engine.close()
    with pytest.raises(Closed, match=r"^the decode engine was closed$"):
        taken(reply)
    with pytest.raises(Closed, match=r"^the decode engine was closed$"):
        call.result(20)


def test_work_that_raises_systemexit_fails_only_its_caller() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with scripted(Scripted(hashed), WORDS) as engine:
        with pytest.raises(SystemExit):
            engine.call(leave).result(20)
        assert tokens_of(DecodeSession(engine).generate(Prompt([1]), free(5))) == answered(hashed, [1], 5)


def test_callback_that_raises_systemexit_does_not_end_a_reply() -> None:
    def leave(future: Any) -> None:
        raise SystemExit(3)

    gate, device = gated(slots=1)
    with scripted(device, WORDS) as engine:
        reply = DecodeSession(engine).generate(Prompt([1]), free(5))
        gate.wait_reached()
        for work in (engine.stats, fault):
            engine.call(work).add_done_callback(leave)
        gate.let(100)
        assert tokens_of(reply) == answered(hashed, [1], 5)


def test_close_from_the_engine_s_own_thread_ends_it() -> None:
    with scripted(Scripted(hashed), WORDS) as engine:
        engine.call(engine.close).result(20)
        assert engine._thread is not None
        engine._thread.join(20)
        assert not engine._thread.is_alive()


def test_error_whose_text_raises_still_ends_every_reply() -> None:
    class Mute(RuntimeError):
        def __str__(self) -> str:
            raise ValueError("no text")

    def plan(now: float) -> Any:
        raise Mute

    gate, device = gated(slots=1)
    with scripted(device, WORDS) as engine:
        reply = DecodeSession(engine).generate(Prompt([1]), free(5))
        gate.wait_reached()
        engine._scheduler.plan = plan  # type: ignore[method-assign]
        gate.let(9)
        died(reply, "Mute")


def test_dead_engine_raises_a_new_error_object_for_each_reply() -> None:
    """Each error is raised in another thread, which writes its own traceback into it."""
    gate, device = gated(slots=2)
    with scripted(device, WORDS) as engine:
        replies = [DecodeSession(engine).generate(Prompt(keys(n, 4)), free(50)) for n in range(2)]
        gate.wait_reached()
        engine.ask(fault)
        gate.let(100)
        errors: list[DecodeError] = []
        for reply in replies:
            with pytest.raises(Failed) as caught:
                taken(reply)
            errors.append(caught.value)
            assert isinstance(caught.value.__cause__, RuntimeError)
        assert errors[0] is not errors[1]


def test_a_process_that_exits_while_an_engine_works_is_not_aborted() -> None:
    """A thread inside torch cannot be ended by the interpreter: it calls terminate()."""
    script = (
        "from tests.nodes.lib.decode.models import Options, Prompt, build, free, tiny, vocabulary\n"
        "from vflow_nodes.lib.decode.session import DecodeSession\n"
        "options = Options(slots=2, context=1000, kernels='torch', threads=2)\n"
        "engine = build(tiny(), vocabulary(()), options).start()\n"
        "reply = DecodeSession(engine).generate(Prompt([3, 4]), free(900))\n"
        "next(word for word in reply.words() if word is not None)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
