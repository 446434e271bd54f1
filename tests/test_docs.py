"""What the documents show is run: Python examples as they stand, command lines on a copy of the sample campaign."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fablewright.entry.assemble import sample_campaign

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        found += [(document.name, block) for block in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)]
    return found


def command_lines() -> list[tuple[str, tuple[str, ...]]]:
    """Return the commands of each block: what one writes, the next may read."""
    found = [
        (name, tuple(line for line in block.replace("\\\n", " ").splitlines() if line.startswith("fablewright ")))
        for name, block in blocks("sh")
    ]
    return [(name, lines) for name, lines in found if lines and not any("serve" in line for line in lines)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(sample_campaign(), home / "vault")
    return home


def run(arguments: list[str], home: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(home), "FABLEWRIGHT_DATA_DIR": str(home / "data"), "COLUMNS": "100"}
    return subprocess.run(
        arguments, cwd=home, env=environment, input="", capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("document", sorted({name for name, _ in blocks("python")}))
def test_python_examples_run(document: str, home: Path) -> None:
    """What stands on one page is one program."""
    code = "\n\n".join(code for name, code in blocks("python") if name == document)
    ran = run([sys.executable, "-W", "error", "-c", code], home)
    assert ran.returncode == 0, f"{document}:\n{ran.stderr}"


@pytest.mark.parametrize(("document", "lines"), command_lines())
def test_command_lines_run(document: str, lines: tuple[str, ...], home: Path) -> None:
    for line in lines:
        words = [word.replace("~", str(home)) for word in shlex.split(line, comments=True)]
        ran = run([sys.executable, "-m", *words], home)
        assert ran.returncode == 0, f"{document}: {line}\n{ran.stderr}"
        assert ran.stdout.strip() or "chat" in line
        assert "Traceback" not in ran.stderr


def test_links_between_documents_lead_somewhere() -> None:
    for document in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name} → {target}"


def test_the_architecture_page_names_every_module() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for ring in (
        "protocol",
        "runtime",
        "testing",
        "adapters",
        "adapters/exports",
        *(f"gm/{p}" for p in ("campaign", "exporting", "finding", "scene", "questions", "reading", "rules")),
    ):
        for module in (ROOT / "src" / "fablewright" / ring).glob("[a-z]*.py"):
            assert f"`{module.stem}`" in page, f"{ring}/{module.name} is not on the page"
