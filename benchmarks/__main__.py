"""Runs the benchmarks, each in a process of its own with one thread, and prints one table.

`python -m benchmarks` runs all of them, `python -m benchmarks chain imports` those that are named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.pairs import Row
from learningdiagrams.tables import table

BENCHMARKS = {
    "distillation_torch": "steps and epochs of distillation on PyTorch",
    "distillation_jax": "steps and epochs of distillation on JAX",
    "heads_torch": "sixteen goals over one backbone on PyTorch",
    "heads_jax": "sixteen goals over one backbone on JAX",
    "tasks_torch": "16, 64 and 256 tasks over one backbone on PyTorch",
    "tasks_jax": "16, 64 and 256 tasks over one backbone on JAX",
    "memory": "peaks of memory in training",
    "evaluation": "goals and measures over 1297 digits",
    "carried": "a torch module trained on JAX",
    "thousand": "compiling 1000 generators and 1000 goals",
    "editing": "editing a compiled diagram of 100 and 1000 generators",
    "chain": "a morphism of 100 000 generators",
    "imports": "import time",
    "completion": "deciding path equations, against libsemigroups",
}
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
    "CUDA_VISIBLE_DEVICES": "",
}
HEADING = ["", "ours", "by hand", "ratio (quartiles)", "bound", ""]
ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Prints the table; the exit code is 1 where a benchmark fails to run."""
    listed = "\n".join(f"  {name:<20}{what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="What the library costs, against code written by hand.",
        epilog=f"benchmarks:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="run only these")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name}; there are {', '.join(BENCHMARKS)}")
    if options.alone:
        (name,) = options.names
        for row in import_module(f"benchmarks.{name}").rows():
            print(json.dumps(row.as_json()), flush=True)
        return 0
    print(machine(), flush=True)
    rows, failed = [], []
    for name in options.names or BENCHMARKS:
        print(f"{name} …", file=sys.stderr, flush=True)
        made = run(name)
        if made is None:
            failed.append(name)
        else:
            rows += made
    print("\n" + table([row.cells() for row in rows], HEADING))
    missed = [row.what for row in rows if row.missed]
    print(f"\nbounds missed: {', '.join(missed) if missed else 'none'}")
    if failed:
        print(f"failed to run: {', '.join(failed)}")
    return 1 if failed else 0


def run(name: str) -> list[Row] | None:
    """The rows of a benchmark, run in a process of its own; None where that fails."""
    command = [sys.executable, "-m", "benchmarks", "--alone", name]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        return None
    return [Row(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


def machine() -> str:
    """The machine, the versions and the threads."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (
        f"{_processor()}, {os.cpu_count()} cores{load}; {platform.system()} {platform.release()}; one thread\n"
        f"Python {platform.python_version()}, {', '.join(_versions(('numpy', 'torch', 'jax', 'optax')))}"
    )


def _processor() -> str:
    """The processor's name, where the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _versions(names: Iterable[str]) -> list[str]:
    found = []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return found


if __name__ == "__main__":
    sys.exit(main())
