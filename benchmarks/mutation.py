"""Would the tests notice? Plants one small defect after the other into a module and runs its tests on each.

    uv run python -m benchmarks.mutation [RING/MODULE ...] [--jobs 2] [--every 1] [--least 90]

A module is named as in ``protocol/pending``; all of ``protocol`` when none is. Its tests are those in
``tests/RING/test_MODULE*.py``, less what is marked as a benchmark. The defects: a comparison negated or moved by
one, another sign, ``and`` for ``or``, half a condition, a condition that always or never holds, another constant,
``return None``, a statement left out. Docstrings, annotations, decorators and lists of names are left alone.

Each mutant lives in a process of its own, forked from one that has imported pytest and its plugins but nothing of
ours, so it costs only the tests up to the first that fails. Hypothesis draws the same examples each time. One that
does not end in twice the time of the honest tests, or eats two gigabytes, counts as killed. Of survivors some are
equal in effect to what they replace, or merely slower.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import time
import warnings
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType, ModuleType

__all__ = ["Examined", "Mutant", "examine", "main", "mutants"]

ROOT = Path(__file__).parents[1]

_MOST_MEMORY = 2 << 30
_PASSED, _FAILED = 0, 1


class Mutant(NamedTuple):
    """A module with one defect; ``what`` says to people which."""

    line: int
    what: str
    code: CodeType


class Examined(NamedTuple):
    """What the tests of one module are worth; ``timed_out`` are among the killed."""

    module: str
    total: int
    timed_out: int
    survivors: tuple[Mutant, ...]
    seconds: float

    @property
    def killed(self) -> int:
        """How many defects the tests noticed."""
        return self.total - len(self.survivors)

    def __str__(self) -> str:
        share = 100 * self.killed / max(1, self.total)
        how = f"{self.timed_out} by time-out, in {self.seconds:.0f} s"
        return f"{self.module:<32} {self.killed:>4} of {self.total:>4} killed = {share:5.1f} %  ({how})"


# ------------------------------------------------------------------ making mutants

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_SIGNS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_TWINS = {"max": "min", "min": "max", "any": "all", "all": "any", "popleft": "pop", "appendleft": "append"}


def mutants(source: str, path: str) -> Iterator[Mutant]:
    """Yield the module with one defect at a time, from top to bottom."""
    tree = ast.parse(source)
    for holder, field, index, node in _places(tree):
        for what, changed in _changes(node):
            _put(holder, field, index, changed)
            with contextlib.suppress(SyntaxError):  # such as an empty class without its only statement
                yield Mutant(node.lineno, f"{what}: {_shown(node)}", _compiled(tree, path))
            _put(holder, field, index, node)


def _places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.expr | ast.stmt]]:
    """Yield what may be replaced, and where it hangs in the tree."""
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "bases", "type_params"}:
            continue
        children = value if isinstance(value, list) else [value]
        for position, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_left_alone(child):
                continue
            if isinstance(child, ast.expr | ast.stmt):
                yield node, field, position if isinstance(value, list) else None, child
            yield from _places(child)


def _is_left_alone(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return True  # a docstring
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")) | ast.Call(func=ast.Name(id="TypeVar")):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Delete(targets=targets):
            return all(isinstance(target, ast.Name) for target in targets)  # that only says that it is not used
    return False


def _changes(node: ast.expr | ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    """Yield what may stand in a node's place."""
    yield from _other_operators(node)
    yield from _other_conditions(node)
    yield from _other_values(node)
    if isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Delete | ast.Raise):
        yield "left out", ast.Pass()
    elif isinstance(node, ast.Break):
        yield "continue", ast.Continue()
    elif isinstance(node, ast.Continue):
        yield "break", ast.Break()


def _other_operators(node: ast.expr | ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Compare):
        for position, operator in enumerate(node.ops):
            for other in _COMPARISONS[type(operator)]:
                yield other.__name__, _with(node, ops=[*node.ops[:position], other(), *node.ops[position + 1 :]])
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _SIGNS:
        other_sign = _SIGNS[type(node.op)]
        yield other_sign.__name__, _with(node, op=other_sign())
    if isinstance(node, ast.BoolOp):
        yield "and for or, or the reverse", _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        for position in range(len(node.values)):
            rest = node.values[:position] + node.values[position + 1 :]
            yield f"part {position + 1} left out", rest[0] if len(rest) == 1 else _with(node, values=rest)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not left out", node.operand
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign left out", node.operand


def _other_conditions(node: ast.expr | ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.If | ast.IfExp | ast.While):
        yield "never", _with(node, test=ast.Constant(value=False))
    if isinstance(node, ast.If | ast.IfExp):
        yield "always", _with(node, test=ast.Constant(value=True))
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        for position, loop in enumerate(node.generators):
            if loop.ifs:
                loops = [*node.generators[:position], _with(loop, ifs=[]), *node.generators[position + 1 :]]
                yield "whatever the condition", _with(node, generators=loops)


def _other_values(node: ast.expr | ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    match node:
        case ast.Constant(value=bool() as flag):
            yield str(not flag), ast.Constant(value=not flag)
        case ast.Constant(value=int() | float() as number):
            yield f"{number + 1:g}", ast.Constant(value=number + 1)
        case ast.Constant(value=str() as text) if text:
            yield "another text", ast.Constant(value=f"XX{text}")
        case ast.Constant(value=None):
            yield "1 for None", ast.Constant(value=1)
        case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
            yield "nothing returned", ast.Return(value=ast.Constant(value=None))
        case ast.Call(func=ast.Name(id=name) as called) if name in _TWINS:
            yield _TWINS[name], _with(node, func=_with(called, id=_TWINS[name]))
        case ast.Call(func=ast.Attribute(attr=name) as called) if name in _TWINS:
            yield _TWINS[name], _with(node, func=_with(called, attr=_TWINS[name]))


def _with(node: ast.AST, **fields: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _put(holder: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(holder, field, node)
    else:
        getattr(holder, field)[index] = node


def _compiled(tree: ast.Module, path: str) -> CodeType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # such as ``is 1``
        return compile(ast.fix_missing_locations(copy.deepcopy(tree)), path, "exec", dont_inherit=True)


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node).splitlines()[0]
    return text if len(text) <= 80 else f"{text[:77]}..."


# ------------------------------------------------------------------ running them


class _Planted(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Has one module imported with code of our making."""

    def __init__(self, module: str, path: Path, code: CodeType) -> None:
        super().__init__(module, str(path))
        self._code = code

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> object:
        del path, target
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return self._code


def examine(
    module: str, source: Path, tests: Sequence[Path], *, jobs: int = 2, every: int = 1, grace: int = 5
) -> Examined:
    """Run the tests of one module on its mutants.

    Args:
        module: Its name, as the tests import it.
        source: Its file.
        tests: The files to run.
        jobs: How many processes at once.
        every: Take each so-many-th mutant only.
        grace: Seconds that a mutant gets beyond twice the time of the honest tests.

    Raises:
        RuntimeError: The tests fail on the module as it is.
    """
    for plugin in entry_points(group="pytest11"):
        plugin.load()  # once and here: in each mutant's process it takes longer than most tests
    text = source.read_text()
    began = time.monotonic()
    honest = _fork(_Planted(module, source, compile(text, source, "exec", dont_inherit=True)), tests, seconds=600)
    if os.waitstatus_to_exitcode(os.waitpid(honest, 0)[1]) != _PASSED:
        raise RuntimeError(f"The tests of {module} fail without any mutant: run pytest on them.")
    patience = grace + round(2 * (time.monotonic() - began))
    total, timed_out, survivors = 0, 0, []
    running: dict[int, Mutant] = {}

    def reap() -> None:
        nonlocal timed_out
        process, status = os.wait()
        mutant, code = running.pop(process), os.waitstatus_to_exitcode(status)
        timed_out += code == -signal.SIGALRM
        if code == _PASSED:
            survivors.append(mutant)

    for number, mutant in enumerate(mutants(text, str(source))):
        if number % every:
            continue
        if len(running) == jobs:
            reap()
        total += 1
        running[_fork(_Planted(module, source, mutant.code), tests, seconds=patience)] = mutant
    while running:
        reap()
    survivors.sort(key=lambda mutant: (mutant.line, mutant.what))
    return Examined(module, total, timed_out, tuple(survivors), time.monotonic() - began)


def _fork(planted: _Planted, tests: Sequence[Path], *, seconds: int) -> int:
    """Begin to run tests in a process of their own; return its id. Its exit status says whether they passed."""
    sys.stdout.flush()
    process = os.fork()
    if process:
        return process
    try:
        signal.alarm(seconds)  # its default action is to end the process, also one that hangs in C
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nowhere, stream)
        sys.meta_path.insert(0, planted)
        phases = [hypothesis.Phase.explicit, hypothesis.Phase.generate]  # a mutant's example need not be small
        hypothesis.settings.register_profile("mutants", derandomize=True, database=None, phases=phases)
        hypothesis.settings.load_profile("mutants")
        quiet = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-m", "not benchmark"]
        quiet += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis is imported already
        status = pytest.main([*quiet, *map(str, tests)])
        os._exit(_PASSED if status == pytest.ExitCode.OK else _FAILED)
    finally:
        os._exit(_FAILED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print how many mutants the tests kill; return 1 when a module has less than ``--least`` percent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="RING/MODULE")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    parser.add_argument("--every", type=int, default=1, help="take each so-many-th mutant only")
    parser.add_argument("--least", type=float, default=90.0, help="percent of each module's mutants to be killed")
    options = parser.parse_args(arguments)
    package = ROOT / "src" / "fablewright"
    everything = [f"protocol/{path.stem}" for path in sorted((package / "protocol").glob("[a-z]*.py"))]
    killed = total = 0
    enough = True
    for name in options.modules or everything:
        ring, _, module = name.partition("/")
        tests = sorted((ROOT / "tests" / ring).glob(f"test_{module}.py"))
        tests += sorted((ROOT / "tests" / ring).glob(f"test_{module}_*.py"))
        if not tests:
            parser.error(f"There is no tests/{ring}/test_{module}.py.")
        path = package / ring / f"{module}.py"
        examined = examine(f"fablewright.{ring}.{module}", path, tests, jobs=options.jobs, every=options.every)
        print(examined, flush=True)
        for mutant in examined.survivors:
            print(f"    {path.relative_to(ROOT)}:{mutant.line}: {mutant.what}", flush=True)
        killed += examined.killed
        total += examined.total
        enough = enough and 100 * examined.killed >= options.least * examined.total
    print(f"{killed} of {total} killed = {100 * killed / max(1, total):.1f} %")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
