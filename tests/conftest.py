"""What every test runs under: one thread a process, JAX on the CPU, hypothesis without deadlines.

The environment is set here because numpy, torch and jax read it once, when they load; pytest and hypothesis
load none of them.
"""

import os
import shutil
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


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("julia") is None:
        return
    if find_spec("juliacall") is None:
        pytest.skip("juliacall is not installed")
    if shutil.which("julia") is None and "PYTHON_JULIACALL_EXE" not in os.environ:
        pytest.skip("there is no Julia on the path")
