from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PARTS = ("checks", "engine", "profile", "hf", "turn", "soak")
TIMEOUT_S = 240
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
    """All parts of one short run, without vflow: what it printed, and each part's file."""
    folder = tmp_path_factory.mktemp("decode")
    done = decode(
        "--part", ",".join(PARTS), "--size", "tiny", "--device", "cpu", "--quick", "--minutes", "0.04",
        "--json", str(folder / "out.json"), "--picture", str(folder / "out.png"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    files = {part: json.loads((folder / f"out-{part}.json").read_text()) for part in PARTS}
    return {"folder": folder, **files}


@pytest.fixture
def decoding(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the benchmark."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))

    def module(name: str) -> ModuleType:
        return importlib.import_module(f"decoding.{name}")

    return module


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


def test_what_needs_cuda_is_skipped_with_its_reason_elsewhere(told: dict[str, Any]) -> None:
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


def test_pictures_are_drawn(told: dict[str, Any]) -> None:
    for part in ("engine", "hf", "turn", "soak"):
        assert (told["folder"] / f"out-{part}.png").stat().st_size > 10_000


def test_a_part_that_there_is_not_is_refused(decoding: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module("decode").parse(["--part", "checks,rest"])
    assert "no part rest" in capsys.readouterr().err


def test_drawing_an_earlier_result_asks_where_to(decoding: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        importlib.import_module("decode").parse(["--from", "out-engine.json"])
    assert "--picture" in capsys.readouterr().err


def test_a_failed_measurement_is_written_down_and_the_next_goes_on(decoding: Any, tmp_path: Path) -> None:
    record = decoding("record").Record("engine", path=tmp_path / "out.json")

    def burst() -> None:
        raise torch.OutOfMemoryError("no room for 35 GB\nand more of it")

    record.attempt("large", burst)
    record.attempt("small", lambda: record.note("ms", 1.5))
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["failures"] == {"large": "OutOfMemoryError: no room for 35 GB"}
    assert found["detail"] == {"ms": 1.5}
    assert not record.good


def test_a_failed_check_makes_the_part_fail(decoding: Any) -> None:
    record = decoding("record").Record("checks")
    record.check("one", True)
    assert record.good
    record.check("other", False)
    assert not record.good


def test_what_would_begin_out_of_time_is_skipped(decoding: Any) -> None:
    record = decoding("record").Record("engine", limit_s=0.0, began=time.perf_counter() - 1)
    record.attempt("late", lambda: record.note("ms", 1.0))
    assert record.detail == {}
    assert "--limit" in record.skipped["late"]
    assert record.good


def test_what_does_not_end_is_interrupted(decoding: Any) -> None:
    alarm = decoding("alarm")
    began = time.perf_counter()

    def work() -> None:
        with alarm.at_most(0.05):
            while time.perf_counter() - began < 10:
                pass

    with pytest.raises(alarm.OutOfTime):
        work()
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(("size", "prefill", "encode"), [("3b", 2.64e12, 2.29e12)])
def test_the_real_shape_needs_the_floors_that_are_published(
    decoding: Any, size: str, prefill: float, encode: float
) -> None:
    shape = decoding("sizes").SIZES[size]
    assert shape.prefill_flops(405) == pytest.approx(prefill, rel=0.01)
    assert shape.encode_flops() == pytest.approx(encode, rel=0.01)
    with torch.device("meta"):
        model = decoding("sizes").LlamaForCausalLM(shape.text_config())
    assert sum(weight.numel() for weight in model.parameters()) == pytest.approx(4.014e9, rel=1e-3)


def test_prefill_in_parts_costs_what_the_whole_costs(decoding: Any) -> None:
    shape = decoding("sizes").SIZES["tiny"]
    head = 2 * shape.hidden * shape.vocabulary
    parts = shape.prefill_flops(29) + shape.prefill_flops(376, start=29)
    assert parts - head == pytest.approx(shape.prefill_flops(405))


def test_a_kernel_that_is_wrong_fails_its_check(decoding: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    checks, rows = decoding("checks"), decoding("rows")
    right = rows.ops("torch", torch.device("cpu"))

    class Wrong:
        def __getattr__(self, name: str) -> Any:
            return getattr(right, name)

        def rope_attend(self, *args: Any, **norms: Any) -> torch.Tensor:
            seen: torch.Tensor = right.rope_attend(*args, **norms)
            return seen * 1.1

    monkeypatch.setattr(checks, "ops", lambda kind, device: Wrong() if kind == "triton" else right)
    record = decoding("record").Record("checks")
    setting = decoding("setting").Setting(
        decoding("sizes").SIZES["tiny"], torch.device("cpu"), torch.bfloat16, seed=1, quick=True
    )
    checks.kernels(record, setting)
    assert record.checks
    assert not any(check["passed"] for check in record.checks.values())


def test_lengths_of_the_same_beginning(decoding: Any) -> None:
    common = decoding("greedy").common
    assert common([1, 2, 3], [1, 2, 4]) == 2
    assert common([1, 2], [1, 2, 3]) == 2
    assert common([5], [6]) == 0


def test_steps_read_every_matrix_once_and_each_rows_keys(decoding: Any) -> None:
    setting = decoding("setting").Setting(
        decoding("sizes").SIZES["tiny"], torch.device("cpu"), torch.float32, seed=1
    )
    weights, step_bytes = setting.weights, decoding("rows").step_bytes
    held = 2 * 2 * 2 * 32 * 4  # keys and values of 2 layers, 2 heads of 32 float32
    assert step_bytes(weights, 1, 0) == weights.step_bytes(0)
    assert step_bytes(weights, 3, 100) - step_bytes(weights, 3, 0) == 3 * 100 * held


def test_where_tritons_kernels_fail_the_engine_is_measured_with_torchs(
    decoding: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = decoding("setting")
    warm_up = settings.warm_up
    answers = [RuntimeError("no compiler\nhere"), None]

    def failing(*args: Any) -> None:
        if (error := answers.pop(0)) is not None:
            raise error
        warm_up(*args)

    monkeypatch.setattr(settings, "warm_up", failing)
    monkeypatch.setattr(settings.Setting, "cuda", True)
    setting = settings.Setting(decoding("sizes").SIZES["tiny"], torch.device("cpu"), torch.float32, seed=1)
    engine = setting.engine(1, 64)
    try:
        assert setting.problem == "RuntimeError: no compiler"
        assert engine.stats()["kernels"] == "torch"
    finally:
        engine.close()
