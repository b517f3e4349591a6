"""What is installed: metadata, pinned versions, the wheel, the Makefile's commands, what imports load."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from email.parser import Parser
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "learningdiagrams"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

# What an extra brings, by the name it is imported under; all else has to be there.
OPTIONAL = {
    "torch",
    "jax",
    "jaxlib",
    "optax",
    "equinox",
    "flax",
    "sympy",
    "sklearn",
    "matplotlib",
    "PIL",
    "pandas",
    "juliacall",
}


def files() -> list[str]:
    """Everything in the package that is to be shipped, relative to the root."""
    found = (path for path in PACKAGE.rglob("*") if path.is_file())
    return sorted(str(p.relative_to(ROOT)) for p in found if "__pycache__" not in p.parts)


def modules() -> list[str]:
    names = (
        file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in files() if file.endswith(".py")
    )
    return [name for name in names if not name.endswith("__main__")]


def closure(extras: str) -> set[str]:
    """The names of the direct requirements of the core with some of its extras, `"torch,draw"`."""
    wanted = [*PROJECT["dependencies"], *(line for extra in extras.split(",") for line in EXTRAS[extra])]
    return {canonicalize_name(Requirement(line).name) for line in wanted}


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    matches = [re.fullmatch(r"([\w-]+)==([\w.]+)", line) for line in lines if line and not line.startswith("#")]
    assert all(matches), "constraints.txt: only exact versions, NAME==VERSION"
    return {canonicalize_name(m[1]): m[2] for m in matches if m}


def run(*command: str | Path, **options) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_module_imports_unless_an_extra_is_missing():
    # In a process of its own: collecting doctests leaves half a module behind where an import failed.
    code = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{error.name or name} {name}: {error}")
"""
    failures = run(sys.executable, "-c", code, *modules(), cwd=ROOT).splitlines()
    assert [line for line in failures if line.split()[0].split(".")[0] not in OPTIONAL] == []


HEAVY = {"torch", "jax", "sympy", "matplotlib", "pandas"}


@pytest.mark.parametrize(
    ("statement", "loaded", "unloaded"),
    [
        ("import learningdiagrams", "learningdiagrams", {"numpy", *HEAVY}),
        (
            "from learningdiagrams import Diagram",
            "learningdiagrams.diagram",
            {"learningdiagrams.theory.deciding", *HEAVY},
        ),
        ("from learningdiagrams.theory import *", "learningdiagrams.theory.deciding", {"numpy", *HEAVY}),
    ],
)
def test_a_statement_loads_no_more_than_it_uses(statement: str, loaded: str, unloaded: set[str]):
    found = set(run(sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)", cwd=ROOT).split())
    assert loaded in found
    assert not found & unloaded


@pytest.mark.parametrize("name", ["theory", "backends"])
def test_links_at_the_root_lead_into_the_package(name: str):
    assert (ROOT / name).is_symlink()
    assert os.readlink(ROOT / name) == f"learningdiagrams/{name}"
    assert (ROOT / name / "__init__.py").is_file()


def test_the_core_needs_little():
    core = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert core == {"lark", "numpy", "rich", "safetensors", "typer"}


def test_all_is_every_extra_that_users_may_want():
    (line,) = EXTRAS["all"]
    assert Requirement(line).extras == set(EXTRAS) - {"all", "docs", "recipes", "test"}


def test_every_requirement_is_pinned_within_its_range():
    pinned = pins()
    for extra, lines in {"core": PROJECT["dependencies"], **EXTRAS}.items():
        for requirement in map(Requirement, lines):
            if requirement.name != PROJECT["name"]:
                version = pinned.get(canonicalize_name(requirement.name))
                assert version is not None, f"constraints.txt lacks {requirement.name} of [{extra}]"
                assert version in requirement.specifier, f"constraints.txt: {requirement} of [{extra}], not {version}"


def test_julia_is_asked_for_what_the_bridge_was_made_for():
    """juliapkg finds the file in the package; juliacall itself asks for the PythonCall of its own version."""
    wanted = json.loads((PACKAGE / "juliapkg.json").read_text(encoding="utf-8"))
    assert wanted["julia"] == "^1.11"
    assert {name: it["version"] for name, it in wanted["packages"].items()} == {
        "ACSets": "0.2.25",
        "Catlab": "0.17",
        "GATlab": "0.2.2",
        "JSON3": "1",
    }


def test_versions_agree():
    version = PROJECT["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert released[0] == version


def test_the_command_exists():
    main = EntryPoint("learningdiagrams", PROJECT["scripts"]["learningdiagrams"], "console_scripts").load()
    assert callable(main)


def test_ci_runs_make_test_and_nothing_else():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text(encoding="utf-8").splitlines() == [
        "#!/usr/bin/env bash",
        "set -euo pipefail",
        'cd "$(dirname "${BASH_SOURCE[0]}")/.."',
        "make test",
    ]


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
class TestMakefile:
    def plan(self, *arguments: str) -> str:
        return run("make", "--dry-run", "--always-make", *arguments, cwd=ROOT)

    def installed(self, *arguments: str) -> set[str]:
        match = re.search(r"--editable '\.\[(.+?)\]'", self.plan(*arguments))
        assert match is not None
        return closure(match[1])

    @pytest.mark.parametrize(("backend", "other"), [("torch", "jax"), ("jax", "torch")])
    def test_the_demo_installs_only_its_backend(self, backend: str, other: str):
        names = self.installed("demo", f"BACKEND={backend}")
        assert backend in names and other not in names
        assert not names & {"pytest", "equinox", "flax", "sympy"}
        assert f"-m learningdiagrams demo --backend {backend}" in self.plan("demo", f"BACKEND={backend}")

    def test_the_tests_install_all_that_they_touch(self):
        assert self.installed("test") >= closure("torch,jax,symbolic,draw,regimes,test")

    def test_every_install_is_constrained(self):
        for target in ("demo", "test"):
            lines = [line for line in self.plan(target).splitlines() if "pip install" in line]
            assert lines and all("--constraint constraints.txt" in line for line in lines)

    def test_slow_tests_are_left_out_of_make_test_only(self):
        assert '-m "not slow"' in self.plan("test")
        assert "not slow" not in self.plan("test-all")

    def test_another_backend_is_refused(self):
        command = ["make", "--dry-run", "demo", "BACKEND=numpy"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2
        assert "BACKEND=numpy: there are torch and jax" in done.stderr

    def test_help_names_every_target(self):
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
        listed = re.findall(r"^  make ([\w-]+) +\w", run("make", "help", cwd=ROOT), re.MULTILINE)
        assert set(listed) == set(phony.split())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The sdist of this tree, and the wheel that is built from that sdist alone."""
    place = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", place, cwd=ROOT)
    (sdist,) = place.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    source = place / sdist.name.removesuffix(".tar.gz")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place, cwd=source)
    (wheel,) = place.glob("*.whl")
    return sdist, wheel


@pytest.mark.slow
class TestWheel:
    def test_holds_the_package_and_nothing_beside_it(self, built: tuple[Path, Path]):
        names = set(zipfile.ZipFile(built[1]).namelist())
        assert {name.split("/")[0] for name in names} == {
            "learningdiagrams",
            f"learningdiagrams-{PROJECT['version']}.dist-info",
        }
        assert {name for name in names if name.startswith("learningdiagrams/")} == set(files())
        assert {
            f"learningdiagrams/{name}"
            for name in (
                "language/diagram.lark",
                "py.typed",
                "theory/__init__.py",
                "theory/catlab/catlab.jl",
                "juliapkg.json",
                "backends/__init__.py",
            )
        } <= names

    def test_sdist_holds_no_links(self, built: tuple[Path, Path]):
        with tarfile.open(built[0]) as archive:
            members = {member.name.split("/", 1)[1]: member for member in archive.getmembers()}
        assert all(member.isfile() for member in members.values())
        assert set(files()) | {"pyproject.toml", "LICENSE", "CHANGELOG.md", "CITATION.cff"} <= set(members)
        assert not {name for name in members if name.startswith(("theory/", "backends/"))}

    def test_metadata(self, built: tuple[Path, Path]):
        archive, place = zipfile.ZipFile(built[1]), f"learningdiagrams-{PROJECT['version']}.dist-info"
        metadata = Parser().parsestr(archive.read(f"{place}/METADATA").decode())
        assert metadata["License-Expression"] == "Apache-2.0"
        assert set(metadata.get_all("Provides-Extra", [])) == set(EXTRAS)
        assert f"{place}/licenses/LICENSE" in archive.namelist()
        entries = archive.read(f"{place}/entry_points.txt").decode()
        assert "[console_scripts]\nlearningdiagrams = learningdiagrams.cli:main" in entries
        assert "[pygments.lexers]\ndiagram = learningdiagrams.language.highlighting:DiagramLexer" in entries

    def test_public_names_have_types(self, built: tuple[Path, Path], tmp_path: Path):
        """As a type checker sees an installed package: every public name, and nearly all else."""
        run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env")
        (place,) = (tmp_path / "env" / "lib").glob("*/site-packages")
        zipfile.ZipFile(built[1]).extractall(place)
        (place / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        environment = {**os.environ, "PATH": f"{tmp_path / 'env' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        command = ["-m", "pyright", "--verifytypes", "learningdiagrams", "--ignoreexternal", "--outputjson"]
        # The exit code is 1 as long as a single name is not known.
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500
        )
        found = json.loads(done.stdout)["typeCompleteness"]
        assert found["completenessScore"] >= 0.96
        public = re.compile(r"learningdiagrams(\.theory)?\.[A-Za-z]\w*")
        named = [symbol for symbol in found["symbols"] if symbol["isExported"] and public.fullmatch(symbol["name"])]
        assert len(named) > 60
        assert [symbol["name"] for symbol in named if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]] == []

    def test_works_where_it_is_unpacked(self, built: tuple[Path, Path], tmp_path: Path):
        zipfile.ZipFile(built[1]).extractall(tmp_path)
        code = (
            f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
            "import learningdiagrams as ld, learningdiagrams.theory\n"
            "print(ld.__file__)\n"
            "print(ld.loads('object A\\nmap f : A -> A\\nlaw twice : f >> f = f\\n'))"
        )
        place, *text = run(sys.executable, "-I", "-c", code, cwd=tmp_path).splitlines()
        assert Path(place).is_relative_to(tmp_path)
        assert any("f >> f = f" in line for line in text)
