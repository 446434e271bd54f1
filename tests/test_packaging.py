from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import fablewright

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def in_a_fresh_process(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_pip_and_uv_are_given_the_same_pins() -> None:
    pins = (ROOT / "constraints.txt").read_text("utf-8").split()
    assert pins == PYPROJECT["tool"]["uv"]["constraint-dependencies"]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", pin) for pin in pins)


def test_what_is_needed_is_pinned() -> None:
    pinned = {pin.split("==")[0] for pin in (ROOT / "constraints.txt").read_text("utf-8").split()}
    wanted = PYPROJECT["project"]["dependencies"] + PYPROJECT["dependency-groups"]["dev"]
    assert {re.split(r"[<>=]", requirement)[0] for requirement in wanted} <= pinned


def test_the_installed_package_knows_its_version_and_types() -> None:
    assert metadata.version("fablewright") == PYPROJECT["project"]["version"]
    assert (Path(fablewright.__file__).parent / "py.typed").exists()


def test_the_readmes_test_command_is_what_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "uv run pytest" in readme
    assert "uv run pytest" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_no_committed_file_names_a_registry() -> None:
    # Put together here, so that this file does not name one either.
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs.org"]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    files = listed.stdout.splitlines()
    assert "uv.lock" not in files
    for name in files:
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        assert not any(host in text for host in hosts), name


def test_public_names_are_few_and_all_there() -> None:
    assert len(fablewright.__all__) <= 25
    assert list(fablewright.__all__) == sorted(fablewright.__all__)
    for name in fablewright.__all__:
        assert getattr(fablewright, name).__name__ == name
        assert name in dir(fablewright)
    with pytest.raises(AttributeError, match="no attribute 'Buss'"):
        fablewright.Buss  # type: ignore[attr-defined]  # noqa: B018 - it must not be there


def test_importing_the_package_loads_no_vendor_and_no_loop() -> None:
    code = "import sys, fablewright; print(*sys.modules)"
    loaded = in_a_fresh_process(code).split()
    assert {"haystack", "numpy", "typer", "rich", "msgspec", "asyncio"}.isdisjoint(loaded)


def test_the_runtime_needs_the_standard_library_only() -> None:
    code = "import sys, fablewright; [getattr(fablewright, n) for n in fablewright.__all__]; print(*sys.modules)"
    loaded = {name.split(".")[0] for name in in_a_fresh_process(code).split()}
    foreign = loaded - sys.stdlib_module_names - {"fablewright", "__main__"}
    assert {name for name in foreign if not name.startswith("_")} == set()


def test_every_error_has_our_root() -> None:
    from fablewright import errors  # noqa: PLC0415 - the module, not its names

    assert all(issubclass(getattr(errors, name), errors.FablewrightError) for name in errors.__all__)
    tree = errors.__doc__ or ""
    assert all(name in tree for name in errors.__all__)
