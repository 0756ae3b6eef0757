"""The description of torch and of NVIDIA devices, with a driver's tool that answers as the real one does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from vflow.doctor.accelerator import MIB, Torch, devices, torch_build


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a stand-in for the driver's tool: it prints the content of a file, whose path is returned."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f'#!{sys.executable}\nprint(open("{tmp_path / "said"}").read(), end="")\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "said"


def test_the_build_is_the_installed_torchs() -> None:
    torch = pytest.importorskip("torch")
    found = torch_build()
    assert found is not None
    assert (found.version, found.threads) == (torch.__version__, torch.get_num_threads())
    assert found.build.split()[0] in ("cpu", "cuda", "rocm")
    assert found.blas


def test_without_torch_there_is_no_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert torch_build() is None


def test_a_torch_that_does_not_import_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise OSError('libtorch.so: cannot open shared object file')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    found = torch_build()
    assert found is not None
    assert found.problem == "OSError: libtorch.so: cannot open shared object file"


def test_the_driver_names_devices_that_torch_does_not_use(driver: Path) -> None:
    driver.write_text("NVIDIA H200, 143771, 143000, 570.86.15\nNVIDIA L4, 23034, 22000, 570.86.15\n")
    found = devices(Torch(problem="broken"), measure=True)
    assert [device.name for device in found] == ["NVIDIA H200", "NVIDIA L4"]
    assert (found[0].memory_total, found[0].driver) == (143_771 * MIB, "570.86.15")
    assert not any(device.usable or device.read_gb_s for device in found)


@pytest.mark.parametrize("said", ["", "No devices were found\n", "Tesla, [N/A], [N/A], 1.0\n"])
def test_a_driver_without_devices_is_no_device(driver: Path, said: str) -> None:
    driver.write_text(said)
    assert devices(None, measure=True) == []


def test_without_a_driver_there_is_no_device(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices(None, measure=True) == []


def test_a_cuda_device_is_named_and_measured() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    found = devices(torch_build(), measure=True)
    assert found
    assert all(device.usable and (device.read_gb_s or 0) > 10 for device in found)
