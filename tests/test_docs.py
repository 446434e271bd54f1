"""What the documents show is run: Python examples as they stand, command lines on a copy of the sample campaign."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fablewright.entry.assemble import sample_campaign

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]


def blocks(language: str) -> list[tuple[str, str]]:
    found = []
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        found += [(document.name, block) for block in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)]
    return found


def command_lines() -> dict[str, list[str]]:
    """Return the commands of each page: what one writes, the next may read."""
    lines: dict[str, list[str]] = {}
    for name, block in blocks("sh"):
        found = [line for line in block.replace("\\\n", " ").splitlines() if line.startswith("fablewright ")]
        lines.setdefault(name, []).extend(line for line in found if "serve" not in line)
    return {name: found for name, found in lines.items() if found}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(sample_campaign(), home / "vault")
    return home


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(home), "FABLEWRIGHT_DATA_DIR": str(home / "data"), "COLUMNS": "100"}


@pytest.mark.parametrize("document", sorted({name for name, _ in blocks("python")}))
def test_python_examples_run(document: str, home: Path) -> None:
    """What stands on one page is one program."""
    code = "\n\n".join(code for name, code in blocks("python") if name == document)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, f"{document}:\n{ran.stderr}"


@pytest.fixture(scope="module")
def ran_by_page(home: Path, run_lines: Callable[..., list[Any]]) -> dict[str, list[Any]]:
    """Run the pages one after the other, in one process: to start it and to load Haystack takes longer than they do."""
    pages = command_lines()
    typed = [shlex.split(line, comments=True)[1:] for lines in pages.values() for line in lines]
    lines = [[word.replace("~", str(home)) for word in words] for words in typed]
    ran = iter(run_lines(lines, environment=environment(home), folder=home))
    return {page: list(islice(ran, len(lines))) for page, lines in pages.items()}


@pytest.mark.parametrize("document", command_lines())
def test_command_lines_run(document: str, ran_by_page: dict[str, list[Any]]) -> None:
    assert len(ran_by_page[document]) == len(command_lines()[document])
    for ran in ran_by_page[document]:
        assert ran.status == 0, f"{document}: {ran.words}\n{ran.err}"
        assert ran.out.strip() or ran.words[0] == "chat"
        assert "Traceback" not in ran.err


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
        *(
            f"gm/{p}"
            for p in ("campaign", "exporting", "finding", "preparing", "scene", "questions", "reading", "rules")
        ),
    ):
        for module in (ROOT / "src" / "fablewright" / ring).glob("[a-z]*.py"):
            assert f"`{module.stem}`" in page, f"{ring}/{module.name} is not on the page"
