"""Defects are planted where they should be, and what does not notice them is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.mutation import Examined, Mutant, main, mutants

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def planted(source: str) -> list[str]:
    return [mutant.what for mutant in mutants(source, "planted.py")]


@pytest.mark.parametrize(
    ("source", "defects"),
    [
        ("a < b", ["LtE: a < b", "GtE: a < b", "left out: a < b"]),
        ("x = a is b", ["IsNot: a is b", "left out: x = a is b"]),
        ("x = a + b", ["Sub: a + b", "left out: x = a + b"]),
        ("x -= y", ["Add: x -= y", "left out: x -= y"]),
        ("x = -y", ["sign left out: -y", "left out: x = -y"]),
        ("x = not y", ["not left out: not y", "left out: x = not y"]),
        ("x = 7", ["8: 7", "left out: x = 7"]),
        ("x = True", ["False: True", "left out: x = True"]),
        ("x = 'y'", ["another text: 'y'", "left out: x = 'y'"]),
        ("x = y if z else w", ["never: y if z else w", "always: y if z else w", "left out: x = y if z else w"]),
        ("if x: y", ["never: if x:", "always: if x:", "left out: y"]),
        ("while x: break", ["never: while x:", "continue: break"]),
        ("def f(): return x", ["nothing returned: return x"]),
        ("raise x", ["left out: raise x"]),
        ("del x[y]", ["left out: del x[y]"]),
        ("x = max(y, z)", ["min: max(y, z)", "left out: x = max(y, z)"]),
        ("x.popleft()", ["pop: x.popleft()", "left out: x.popleft()"]),
        ("[x for x in y if x]", ["whatever the condition: [x for x in y if x]", "left out: [x for x in y if x]"]),
    ],
)
def test_each_kind_of_defect_is_planted(source: str, defects: list[str]) -> None:
    assert sorted(planted(source)) == sorted(defects)


def test_a_condition_of_two_parts_loses_each_of_them() -> None:
    kinds = [what.partition(":")[0] for what in planted("x = a and b")]
    assert kinds == ["left out", "and for or, or the reverse", "part 1 left out", "part 2 left out"]


@pytest.mark.parametrize(
    "source",
    [
        '"""Words."""',
        "__all__ = ['x']",
        "x: Literal['y']",
        "X: TypeAlias = int | None",
        "T = TypeVar('T', bound=int)",
        "if TYPE_CHECKING:\n    from x import y",
        "del unused",
        "@frozen(True)\nclass X(Base[1]):\n    pass",
        "def f(x: 1) -> 2:\n    pass",
        "import x",
    ],
)
def test_what_tests_cannot_notice_is_left_alone(source: str) -> None:
    assert [what for what in planted(source) if not what.startswith("left out: T =")] == []


def test_every_mutant_differs_from_the_module_and_the_next_starts_from_it_again() -> None:
    source = "def f(x):\n    return 1 if x > 1 else 2\n"
    results = []
    for mutant in mutants(source, "planted.py"):
        space: dict[str, object] = {}
        exec(mutant.code, space)  # noqa: S102 - the mutant is made of the three lines above
        results.append([space["f"](x) for x in (0, 1, 2)])  # type: ignore[operator]  # a function
    assert [2, 2, 1] not in results
    assert sorted(map(str, results)) == sorted(
        map(str, [[None] * 3, [2, 2, 2], [1, 1, 1], [2, 1, 1], [1, 1, 2], [2, 2, 1 + 1], [2, 2, 2], [3, 3, 1]])
    )


def test_a_report_says_how_many_were_noticed() -> None:
    survivor = Mutant(3, "Lt: a <= b", compile("", "x", "exec"))
    examined = Examined("x.y", 4, 1, (survivor,), 2.0)
    assert examined.killed == 3
    assert str(examined).split() == "x.y 3 of 4 killed = 75.0 % (1 by time-out, in 2 s)".split()


def test_weak_tests_let_defects_live_and_endless_ones_are_ended(tmp_path: Path) -> None:
    module, tests = tmp_path / "planted_module.py", tmp_path / "test_planted_module.py"
    module.write_text("def f(x):\n    while x > 0:\n        x -= 1\n    return x == 0\n")
    tests.write_text("from planted_module import f\n\ndef test_f():\n    assert f(0)\n")
    program = (
        "import sys; from pathlib import Path; from benchmarks.mutation import examine\n"
        "examined = examine('planted_module', Path(sys.argv[1]), [Path(sys.argv[2])], grace=2)\n"
        "print(examined.total, examined.timed_out, *[mutant.what for mutant in examined.survivors], sep='|')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(module), str(tests)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.stderr == ""
    total, timed_out, *survivors = ran.stdout.strip().split("|")
    assert (int(total), int(timed_out)) == (10, 1)  # endless: counting down while it is not above 0
    assert survivors == ["1: 0", "never: while x > 0:", "2: 1", "Add: x -= 1", "left out: x -= 1"]


def test_the_command_runs_on_a_small_module() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.mutation", "protocol/message"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines()[-1].endswith("killed = 100.0 %")


def test_a_module_without_tests_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["protocol/nothing"])
    assert "There is no tests/protocol/test_nothing.py." in capsys.readouterr().err
