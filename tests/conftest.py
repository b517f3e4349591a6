"""What every test runs under: one thread a process, JAX on the CPU, hypothesis without deadlines.

The environment is set here because numpy, torch and jax read it once, when they load; pytest and hypothesis
load none of them.
"""

import os
import shutil
import signal
from functools import cache
from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, settings

# The tests run in several processes already; threads inside them only fight over the cores.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("MPLBACKEND", "Agg")

# A deadline measures how busy the machine is, and so does `too_slow`.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# A shell ignores Ctrl-C for what it runs in the background; some tests are about what it does.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

BACKENDS = ("torch", "jax")


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed"))
        for name in BACKENDS
    ]
)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of a backend; a test that takes it runs once for each that is installed."""
    return request.param


@cache
def _no_julia() -> str | None:
    """Why tests that talk to Julia are skipped; None where there is one."""
    if find_spec("juliacall") is None:
        return "juliacall is not installed"
    if "PYTHON_JULIACALL_EXE" in os.environ or shutil.which("julia") is not None:
        return None
    try:
        # The Julia that juliapkg would take, if it is there already; nothing is installed for a test.
        from juliapkg.find_julia import find_julia  # pyright: ignore[reportMissingImports]
        from juliapkg.state import STATE  # pyright: ignore[reportMissingImports]

        find_julia(prefix=STATE["install"])
    except Exception:
        return "there is no Julia on the path"
    return None


def pytest_configure(config: pytest.Config) -> None:
    # Julia has to be loaded before torch, which the other test files import while they are collected.
    if config.getoption("markexpr") == "julia" and _no_julia() is None:
        import juliacall  # noqa: F401  # pyright: ignore[reportMissingImports]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("julia") is not None and (reason := _no_julia()):
        pytest.skip(reason)
