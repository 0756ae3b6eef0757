"""Find where a step's time goes: time each kernel of a captured step by the device's own clock."""

from __future__ import annotations

from collections import defaultdict
from functools import partial

import torch
from decoding.record import Record, Skip
from decoding.rows import DRAWN, Rows, best_kernels, stepper
from decoding.setting import Setting
from decoding.sizes import random_ids
from torch.profiler import ProfilerActivity, profile

STEPS = 8
CONTEXT = 640


def run(record: Record, setting: Setting) -> None:
    for batch in (1, 4, 32):
        record.attempt(
            f"{setting.size.name}: kernels of {batch} rows", partial(kernels, record, setting, batch)
        )


def kernels(record: Record, setting: Setting, batch: int) -> None:
    if not setting.cuda:
        raise Skip("kernels are timed on CUDA only")
    each = stepper(setting.weights, batch, 1024, best_kernels(setting.device), True)
    rows = Rows(each, setting.device, batch, CONTEXT, DRAWN)
    rows.begin(random_ids(setting.size, CONTEXT, setting.seed))
    rows.run(4)
    with profile(activities=[ProfilerActivity.CUDA]) as found:
        rows.run(STEPS)
        torch.cuda.synchronize()
    spent: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for event in found.events():
        if event.device_type == torch.autograd.DeviceType.CUDA:
            spent[event.name] += event.device_time / STEPS
            count[event.name] += 1
    named = sorted(spent, key=lambda name: -spent[name])
    table = {name[:60]: [round(spent[name], 1), count[name] / STEPS] for name in named[:14]}
    total = {"us": sum(spent.values()), "kernels": sum(count.values()) / STEPS}
    record.note(f"{setting.size.name} {batch} rows: us a step, kernels a step", {**total, **table})
