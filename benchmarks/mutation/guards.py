"""Name the tests that guard each file."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]

_WHOLE = ("tests/test_conversation.py", "tests/runtime/test_pipeline.py", "tests/runtime/test_flusher.py")
"""Tests of whole pipelines, in which every module of the runtime has a part."""

GUARDS: dict[str, tuple[str, ...]] = {
    "vflow/runtime/link.py": ("tests/runtime/test_link.py", "tests/runtime/test_inbox.py", *_WHOLE),
    "vflow/runtime/pending_flushes.py": ("tests/runtime/test_pending_flushes.py", *_WHOLE),
    "vflow/runtime/segment.py": (
        "tests/runtime/test_segment.py",
        "tests/runtime/test_reader_segment.py",
        "tests/runtime/test_source_segment.py",
        "tests/runtime/test_runner.py",
        "tests/runtime/test_context.py",
        "tests/runtime/test_coroutines.py",
        "tests/runtime/test_forks.py",
        *_WHOLE,
    ),
    "vflow/runtime/reader_segment.py": (
        "tests/runtime/test_reader_segment.py",
        "tests/runtime/test_segment.py",
        "tests/runtime/test_context.py",
        "tests/runtime/test_inbox.py",
        *_WHOLE,
    ),
    "vflow/runtime/source_segment.py": ("tests/runtime/test_source_segment.py", *_WHOLE),
    "vflow/runtime/coroutines.py": ("tests/runtime/test_coroutines.py", *_WHOLE),
    "vflow/runtime/flusher.py": (
        "tests/runtime/test_flusher.py",
        "tests/runtime/test_speculation.py",
        "tests/runtime/test_turn_control.py",
        "tests/test_conversation.py",
        "tests/runtime/test_watchdog.py",
    ),
    "vflow/runtime/flush_lock.py": ("tests/runtime/test_flush_lock.py", *_WHOLE),
    "vflow/runtime/speculation.py": (
        "tests/runtime/test_speculation.py",
        "tests/runtime/test_turn_control.py",
        "tests/runtime/test_watchdog.py",
        *_WHOLE,
    ),
    "vflow/runtime/held_link.py": (
        "tests/runtime/test_held_link.py",
        "tests/runtime/test_speculation.py",
        *_WHOLE,
    ),
    "vflow/playout.py": ("tests/test_playout.py", "tests/runtime/test_harness.py", *_WHOLE),
    "nodes/vflow_nodes/turn.py": ("tests/nodes/test_turn.py", "tests/test_conversation.py"),
    "nodes/vflow_nodes/word_buffer.py": ("tests/nodes/test_word_buffer.py", "tests/test_conversation.py"),
    "nodes/vflow_nodes/lib/decode/scheduler.py": (
        "tests/nodes/lib/decode/test_scheduler.py",
        "tests/nodes/lib/decode/test_properties.py",
    ),
    "nodes/vflow_nodes/lib/decode/sampling.py": ("tests/nodes/lib/decode/test_sampling.py",),
}
"""The tests of each file, by its path: first those of its own name."""
