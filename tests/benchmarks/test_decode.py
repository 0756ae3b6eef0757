"""benchmarks/decode.py, run once with all of its parts, tiny: what it wrote, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import torch

from tests.benchmarks.conftest import BENCHMARKS

PARTS = ("checks", "engine", "profile", "hf", "turn", "soak")
TIMEOUT_S = 240
pytestmark = pytest.mark.timeout(TIMEOUT_S + 60)
ALONE = """
import runpy, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"vflow", "msgspec"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
sys.argv[:1] = []
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def decode(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", ALONE, str(BENCHMARKS / "decode.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run all parts shortly, without vflow; return the output, and each part's file."""
    folder = tmp_path_factory.mktemp("decode")
    done = decode(
        "--part", ",".join(PARTS), "--size", "tiny", "--device", "cpu", "--quick", "--minutes", "0.04",
        "--json", str(folder / "out.json"), "--picture", str(folder / "out.png"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    files = {part: json.loads((folder / f"out-{part}.json").read_text()) for part in PARTS}
    return {"folder": folder, **files}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_runs_without_vflow_and_writes_where_and_when_it_ran(
    told: dict[str, Any], part: str
) -> None:
    found = told[part]
    assert found["part"] == part
    assert found["failures"] == {}
    assert {"date", "machine", "versions", "seed", "elapsed_s"} <= found.keys()
    assert found["versions"]["torch"] == torch.__version__


def test_checks_find_replies_and_logits_like_those_of_transformers(told: dict[str, Any]) -> None:
    checks = told["checks"]["checks"]
    assert all(check["passed"] for check in checks.values())
    same = [check for name, check in checks.items() if "greedy = generate" in name]
    assert len(same) == 4
    assert all(check["same_tokens"] == [check["of"]] * 3 for check in same)
    assert any("logits" in name for name in checks)


def test_measurements_on_cuda_are_skipped_elsewhere_with_a_reason(told: dict[str, Any]) -> None:
    reasons = " ".join(told["checks"]["skipped"].values())
    assert "CUDA" in reasons


def test_a_step_is_a_share_of_the_bandwidth_that_was_measured(told: dict[str, Any]) -> None:
    detail = told["engine"]["detail"]
    best = detail["read bandwidth, GB/s"]["best"] * 1e9
    assert detail["steps"]
    for cell in detail["steps"]:
        assert cell["share"] == pytest.approx(cell["bytes"] / (cell["ms"] * 1e-3) / best, rel=0.01)
        assert cell["tokens_per_s"] == pytest.approx(1e3 * cell["batch"] / cell["ms"], rel=0.01)


def test_ratios_to_generate_stand_beside_their_targets(told: dict[str, Any]) -> None:
    medians = told["hf"]["detail"]["tiny ms a token"]
    targets = told["hf"]["targets"]
    assert {target["target"] for target in targets.values()} == {1.4, 2.5}
    for name, target in targets.items():
        ours, _, theirs = name.removeprefix("tiny ").partition("/")
        assert target["value"] == pytest.approx(medians[theirs] / medians[ours], rel=0.01)
        assert target["met"] is (target["value"] >= target["target"])


def test_a_turns_stages_are_in_order_and_the_cut_reply_says_no_more(told: dict[str, Any]) -> None:
    waterfall = told["turn"]["detail"]["tiny waterfall, ms"]
    assert list(waterfall) == ["mel", "hand over", "encode", "prefill and first token", "first word"]
    assert all(ms >= 0 for ms in waterfall.values())
    assert told["turn"]["targets"]["tiny late words"]["value"] == 0


def test_soaking_sessions_hear_words_and_have_no_errors(told: dict[str, Any]) -> None:
    assert told["soak"]["detail"]["tiny first word, ms"]["n"] >= 4
    assert told["soak"]["targets"]["tiny errors"]["met"]


def test_each_part_with_measurements_has_a_picture(told: dict[str, Any]) -> None:
    for part in ("engine", "hf", "turn", "soak"):
        assert (told["folder"] / f"out-{part}.png").stat().st_size > 10_000


def test_a_part_that_there_is_not_is_refused(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        benchmark("decode").parse(["--part", "checks,rest"])
    assert "no part rest" in capsys.readouterr().err


def test_drawing_an_earlier_result_asks_where_to(benchmark: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        benchmark("decode").parse(["--from", "out-engine.json"])
    assert "--picture" in capsys.readouterr().err
