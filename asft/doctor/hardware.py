"""The machine: devices, precision, threads, memory, disk."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import torch

from asft.config import Config, all_trained, refuse_links, run_mb, training_of
from asft.doctor.rows import Row, first_of, size_of
from asft.machine import visible_gpus
from asft.models import default_device, resolve_precision
from asft.processes import job_threads
from asft.training import usable_memory

Precision = Literal["auto", "bf16", "fp32"]
SAVED = {"bfloat16": 2, "float32": 4}  # bytes a weight


def devices() -> Iterator[Row]:
    """What torch computes on."""
    device, gpus = default_device(), visible_gpus()
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        size = properties.total_memory / 1e9
        yield Row("device", "ok", f"{torch.cuda.device_count()} × {properties.name}, {size:.0f} GB")
    elif gpus:
        found = f"{device.type}; torch {torch.__version__} sees none of {len(gpus)} NVIDIA GPUs"
        yield Row("device", "note", found, "install a torch built for CUDA, and look at the driver")
    else:
        yield Row("device", "ok", device.type)


def precision(config: Config) -> Iterator[Row]:
    """The number formats that training and generation will compute in here."""
    wanted: dict[Precision, list[str]] = {}
    for method in dict.fromkeys(run.method for run in all_trained(config)):
        wanted.setdefault(training_of(config, method).precision, []).append(method)
    for name, methods in wanted.items():
        whose = "training" if len(wanted) == 1 else f"training of {first_of(methods)}"
        yield _precision(whose, "training", name)
    yield _precision("generation", "generation", config.generation.precision)


def _precision(whose: str, section: str, wanted: Precision) -> Row:
    native = resolve_precision("auto")
    chosen = resolve_precision(wanted)
    found = f"{str(chosen).removeprefix('torch.')} ({section}.precision: {wanted})"
    if chosen == torch.bfloat16 != native:
        advice = f"{section}.precision: auto takes fp32 where bf16 is emulated, which is slower"
        return Row(whose, "note", f"{found}, which this hardware emulates", advice)
    return Row(whose, "ok", found)


def processes(config: Config) -> Iterator[Row]:
    """Whether there is a GPU for each process of a job, where there are any."""
    gpus = visible_gpus()
    for section, count in (
        ("training", config.training.processes),
        ("generation", config.generation.processes),
    ):
        if 0 < len(gpus) < count:
            found = f"{count}, and only {len(gpus)} GPUs"
            yield Row(f"{section}.processes", "problem", found, f"lower {section}.processes")


def threads() -> Iterator[Row]:
    """How many threads a job takes, of how many CPUs."""
    cores = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    given = os.environ.get("OMP_NUM_THREADS")
    found = f"{job_threads()} a job, {usable} of {cores} CPUs usable"
    if given and job_threads() < usable:
        advice = "Snakemake sets it for each job by the rule's threads; unset it to use all by hand"
        yield Row("threads", "ok", f"{found} (OMP_NUM_THREADS is {given})", advice)
    elif job_threads() > usable:
        yield Row("threads", "note", found, f"start Snakemake with --cores {usable}")
    else:
        yield Row("threads", "ok", found)


def available() -> int:
    """Return the bytes of memory that are free, of those that this process may use."""
    info = Path("/proc/meminfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    free = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    return min([usable_memory(), *free])


def room_in_memory(config: Config) -> Iterator[Row]:
    """Memory here beside what the widest training asks a cluster for, an upper estimate."""
    found = f"{size_of(available())} free of {size_of(usable_memory())}"
    size = config.models[config.model].billion_parameters
    methods = dict.fromkeys(run.method for run in all_trained(config))
    gpus = int(default_device().type == "cuda")
    asked = max((run_mb(config, method, size, gpus) for method in methods), default=0) * 1e6
    found += f"; a training job asks a cluster for {size_of(asked)}"
    if asked > usable_memory():
        advice = "lower training.token_budget, or set training.lora or gradient_checkpointing"
        yield Row("memory", "note", found, advice)
    else:
        yield Row("memory", "ok", found)


def disk(config: Config) -> Iterator[Row]:
    """Whether results can be written, and whether the policies have room."""
    results = Path(config.results)
    refuse_links(config, results)
    folder = results.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    runs = [run for run in all_trained(config) if not (results / "runs" / run.folder).exists()]
    each = config.models[config.model].billion_parameters * 1e9 * SAVED[config.training.save_dtype]
    found = f"{size_of(free)} free; {len(runs)} policies to train, of {size_of(each)} each"
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        yield Row(f"{results}", "problem", f"{folder} cannot be written", "set `results`")
    elif runs and free < each:
        yield Row(f"{results}", "problem", found, "make room: asft clean; or set `results`")
    elif free < each * len(runs):
        yield Row(f"{results}", "note", found, "keep_policies: none deletes those that are scored")
    else:
        yield Row(f"{results}", "ok", found)
