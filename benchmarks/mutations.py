"""The ways in which a number can go wrong by one place: mutants of Python and of SQL. Pure."""

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from types import CodeType

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_CALLED = {
    "min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list",
    "bisect_left": "bisect_right", "bisect_right": "bisect_left", "floor": "ceil", "ceil": "floor",
    "__floor__": "__ceil__", "__ceil__": "__floor__",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: of a whole text, with the line where it is."""

    key: str  # stays the same while line and change do
    line: int
    change: str
    text: str  # of SQL
    tree: ast.Module | None = None

    def compiled(self, name: str) -> CodeType:
        assert self.tree is not None
        return compile(ast.fix_missing_locations(self.tree), name, "exec")


class _Keys:
    """Names mutants by what stands there, not by number: edits elsewhere leave the names."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def key(self, where: str, change: str) -> str:
        text = f"{where}\n{change}"
        self._seen[text] += 1
        return hashlib.sha256(f"{text}\n{self._seen[text]}".encode()).hexdigest()[:8]


def python_mutants(text: str) -> Iterator[Mutant]:
    """Yield the mutants of a module, the outermost first."""
    tree = ast.parse(text)
    lines, keys, skipped = text.splitlines(), _Keys(), _skipped(tree)
    for number, node in enumerate(ast.walk(tree)):
        if number in skipped:
            continue
        for way in range(_ways(node)):
            changed = deepcopy(tree)
            place = next(one for at, one in enumerate(ast.walk(changed)) if at == number)
            before = ast.unparse(node)
            after = _change(place, way)
            line = getattr(node, "lineno", 0)
            change = f"{_short(before)} -> {_short(after)}"
            yield Mutant(keys.key(lines[line - 1].strip(), change), line, change, "", changed)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 90 else f"{text[:87]}..."


_NOT_NUMBERS = ("strict", "default_factory", "ge", "discriminator")  # arguments so named


def _skipped(tree: ast.Module) -> set[int]:
    """Return the nodes (by number in a walk) that make words and types, not numbers."""
    out = {id(below) for node in ast.walk(tree) for one in _words(node) for below in ast.walk(one)}
    return {number for number, node in enumerate(ast.walk(tree)) if id(node) in out}


def _words(node: ast.AST) -> list[ast.AST]:
    """Return what of a node is left alone, with all below it."""
    match node:
        case ast.JoinedStr() | ast.Raise() | ast.Import() | ast.ImportFrom():
            return [node]
        case ast.FunctionDef(args=args, returns=returns, decorator_list=above):
            typed = [one for one in ast.walk(args) if isinstance(one, ast.arg)]
            return [*above, *(one for one in (returns, *(a.annotation for a in typed)) if one)]
        case ast.ClassDef(decorator_list=above):
            return list(above)
        case ast.AnnAssign(annotation=annotation):
            return [annotation]
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Subscript() | ast.BinOp() as value):
            is_type = name.lstrip("_")[:1].isupper() and not name.isupper()
            return [value] if is_type else []
        case ast.keyword(arg=name) if name in _NOT_NUMBERS:
            return [node]
        case ast.Call(func=ast.Name(id="lru_cache")):
            return [node]
        case ast.IfExp(body=ast.JoinedStr() | ast.Constant(value=str())):
            return [node]
    return []


def _ways(node: ast.AST) -> int:
    """Return in how many ways a node is changed."""
    match node:
        case ast.Compare(ops=ops):
            return sum(type(op) in _COMPARED for op in ops)
        case ast.BinOp(op=op):
            return int(type(op) in _COUNTED)
        case ast.BoolOp():
            return 1
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            return 1
        case ast.Constant(value=value):
            return int(isinstance(value, int))
        case ast.Call(func=ast.Name(id=name)) | ast.Call(func=ast.Attribute(attr=name)):
            return int(name in _CALLED)
        case (
            ast.If(test=ast.Name() | ast.Attribute()) | ast.IfExp(test=ast.Name() | ast.Attribute())
        ):
            return 1
        case ast.Return(value=value) if value is not None:
            return int(not isinstance(value, ast.Constant))
        case ast.Continue() | ast.Break():
            return 1
        case ast.AugAssign(op=op):
            return int(type(op) in _COUNTED)
    return 0


def _change(node: ast.AST, way: int) -> str:
    """Change a node in place; return what stands there then."""
    match node:
        case ast.Compare(ops=ops):
            at = [number for number, op in enumerate(ops) if type(op) in _COMPARED][way]
            ops[at] = _COMPARED[type(ops[at])]()
        case ast.BinOp(op=op) | ast.AugAssign(op=op):
            node.op = _COUNTED[type(op)]()
        case ast.BoolOp(op=op):
            node.op = ast.Or() if isinstance(op, ast.And) else ast.And()
        case ast.UnaryOp():
            node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
            if isinstance(node.op, ast.Not):
                node.operand = ast.UnaryOp(op=ast.Not(), operand=node.operand)
        case ast.Constant(value=value):
            node.value = (not value) if isinstance(value, bool) else value + 1
        case ast.Call(func=ast.Name(id=name) as called):
            called.id = _CALLED[name]
            node.keywords = [] if name == "sorted" else node.keywords
        case ast.Call(func=ast.Attribute(attr=name) as called):
            called.attr = _CALLED[name]
        case ast.If() | ast.IfExp():
            node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)
        case ast.Return():
            node.value = ast.Constant(value=None)
        case ast.Continue():
            return _become(node, ast.Break)
        case ast.Break():
            return _become(node, ast.Continue)
    return ast.unparse(node).split("\n")[0]


def _become(node: ast.AST, other: type[ast.AST]) -> str:
    node.__class__ = other  # type: ignore[assignment]
    return ast.unparse(node)


_TOKENS = re.compile(
    r"'(?:[^']*)'|\$\w+|\w+\.\w+|<>|<=|>=|[<>=]|(?<=\s)[+-](?=[\s(\w])|[*/]|(?<![\w.])\d+(?!\w)|"
    r"\b(?:and|or|greatest|least|min|max|lead|lag|true|false|not|sum|count|is distinct from|"
    r"union all|left join|asc|desc|floor|ceil)\b"
)
_SQL = {
    "<>": "=", "<=": "<", ">=": ">", "<": "<=", ">": ">=", "=": "<>", "+": "-", "-": "+", "*": "/",
    "/": "*", "and": "or", "or": "and", "greatest": "least", "least": "greatest", "min": "max",
    "max": "min", "lead": "lag", "lag": "lead", "true": "false", "false": "true", "not": "",
    "is distinct from": "is not distinct from", "union all": "union", "left join": "join",
    "desc": "asc", "floor": "ceil", "ceil": "floor", "sum": "max",
}  # fmt: skip


def sql_mutants(text: str) -> Iterator[Mutant]:
    """Yield the mutants of a statement, in order of the text; comments are left alone."""
    keys = _Keys()
    code = re.sub(r"--[^\n]*", lambda found: " " * len(found[0]), text)
    for found in _TOKENS.finditer(code):
        stood = found[0]
        after = str(int(stood) + 1) if stood.isdigit() else _SQL.get(stood)
        if after is None or code[found.start() : found.end() + 1] == "*)":
            continue
        if stood == "*" and re.match(r"\*\s*(,|from|\n)", code[found.start() :]):
            continue  # select *
        line = text.count("\n", 0, found.start()) + 1
        stands = text.splitlines()[line - 1].strip()
        column = found.start() - text.rfind("\n", 0, found.start())
        change = f"{_short(stands)}: {stood} -> {after or 'nothing'} (column {column})"
        mutated = text[: found.start()] + after + text[found.end() :]
        yield Mutant(keys.key(stands, change), line, change, mutated)
