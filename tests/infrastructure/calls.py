"""Which requests to AWS the code behind an entry point can make, read from its syntax tree.

From the entry point's function on, the walk follows every function that is named, the methods of
every class that is made on the way and whose name is called (rapid type analysis), and the code of
every imported module. What it finds in `lambdas.adapters`, the only place with boto3, is a request:
a method that is an operation of a service that the module makes a client of, or a paginator of one.

It errs to the side of too many. Too few can show in two ways, and a test looks at both: a request
that is reached from nowhere, and a permission that nothing seems to need.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

import botocore.session
from botocore import xform_name

ROOT = Path(__file__).parents[2]
ADAPTERS = "lambdas.adapters"
_BUILTIN = {name for kind in (dict, list, set, str, bytes) for name in dir(kind)}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Request(NamedTuple):
    """An operation as boto3 spells it; `place` is module:line."""

    service: str
    operation: str
    place: str = ""


@cache
def operations(service: str) -> dict[str, str]:
    """A client's methods, with the operation that each of them is."""
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


@dataclass(frozen=True)
class Class:
    """A class with the methods of its own, and what it is made from."""

    name: str
    methods: dict[str, _Function]
    bases: tuple[str, ...]
    properties: frozenset[str]
    fields: frozenset[str]
    tree: ast.ClassDef


@dataclass
class Module:
    """A module: its functions, classes and imports, wherever in it they are written."""

    name: str
    tree: ast.Module

    @cached_property
    def functions(self) -> dict[str, _Function]:
        return {n.name: n for n in self.tree.body if isinstance(n, _Function)}

    @cached_property
    def classes(self) -> dict[str, Class]:
        return {n.name: _class(n) for n in self.tree.body if isinstance(n, ast.ClassDef)}

    @cached_property
    def imports(self) -> dict[str, str]:
        """Local name → dotted name of what it stands for."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {(a.asname or a.name.partition(".")[0]): a.name for a in node.names}
            if isinstance(node, ast.ImportFrom):
                found |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
        return found

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The services that the module makes clients of."""
        calls = (n for n in ast.walk(self.tree) if isinstance(n, ast.Call))
        made = (c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "client")
        return tuple(a.value for c in made for a in c.args if isinstance(a, ast.Constant))  # type: ignore[misc]

    def requests(self, node: ast.AST) -> Iterator[Request]:
        """The requests in a piece of the module's code."""
        if not self.name.startswith(ADAPTERS):
            return
        for call in (n for n in ast.walk(node) if isinstance(n, ast.Call)):
            if not isinstance(call.func, ast.Attribute):
                continue
            name, place = call.func.attr, f"{self.name}:{call.lineno}"
            if name in ("get_paginator", "get_waiter"):
                (argument,) = call.args
                assert isinstance(argument, ast.Constant), f"{place}: not a constant"
                name = str(argument.value)
            for service in self.services:
                if name in operations(service):
                    yield Request(service, name, place)


def _class(tree: ast.ClassDef) -> Class:
    methods = {n.name: n for n in tree.body if isinstance(n, _Function)}
    properties = {
        name
        for name, method in methods.items()
        if any("property" in ast.unparse(d) for d in method.decorator_list)
    }
    bases = tuple(ast.unparse(base) for base in tree.bases)
    annotated = (n.target for n in tree.body if isinstance(n, ast.AnnAssign))
    fields = frozenset(ast.unparse(target) for target in annotated)
    return Class(tree.name, methods, bases, frozenset(properties), fields, tree)


@cache
def modules() -> dict[str, Module]:
    """Every module that a function's bundle holds, and that can lead to a request."""
    found = {}
    for folder in ("lambdas", "glue", "features"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            found[name] = Module(name, ast.parse(path.read_text("utf-8")))
    return found


def all_requests() -> set[Request]:
    """Every request that is written down in an adapter."""
    return {r for module in modules().values() for r in module.requests(module.tree)}


@dataclass
class Walk:
    """What is reached from an entry point: pieces of code by where they are."""

    made: set[tuple[str, str]] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    reached: dict[tuple[str, str], ast.AST] = field(default_factory=dict)
    requests: set[Request] = field(default_factory=set)

    def enter(self, entry: str) -> Walk:
        """`entry` is a function's dotted name, as a Lambda function's handler has it."""
        module, _, function = entry.rpartition(".")
        self._function(module, function)
        while self._methods():
            pass
        return self

    def _methods(self) -> bool:
        """Reach the methods that are called of the classes that were made; was there any new?"""
        before = len(self.reached)
        for module, name in list(self.made):
            for owner, method in _all_methods(module, name):
                implied = method.startswith("__") or method in _class_of(owner).properties
                if implied or method in self.called:
                    tree = _class_of(owner).methods[method]
                    self._reach(owner[0], f"{owner[1]}.{method}", tree)
        return len(self.reached) > before

    def _function(self, module: str, name: str) -> None:
        self._module(module)
        self._reach(module, name, modules()[module].functions[name])

    def _module(self, name: str) -> None:
        """Run the module's own code: everything in it but functions and classes."""
        found = modules().get(name)
        if found and (name, "") not in self.reached:
            definitions = (*found.functions.values(), *(c.tree for c in found.classes.values()))
            body = [n for n in found.tree.body if n not in definitions]
            self._reach(name, "", ast.Module(body, []))

    def _reach(self, module: str, name: str, tree: ast.AST) -> None:
        if (module, name) in self.reached:
            return
        self.reached[module, name] = tree
        self.requests |= set(modules()[module].requests(tree))
        for node in _executed(tree):
            self._node(modules()[module], tree, node)
            self._call(module, name.partition(".")[0], tree, node)

    def _call(self, module: str, owner: str, tree: ast.AST, node: ast.AST) -> None:
        """The methods that a call names: the one it calls, and those that are its arguments."""
        if not isinstance(node, ast.Call):
            return
        passed = [*node.args, *(keyword.value for keyword in node.keywords)]
        found = modules()[module].classes.get(owner)
        fields = found.fields if found else frozenset()
        self.called |= {a.attr for a in passed if isinstance(a, ast.Attribute)} - _BUILTIN - fields
        match node.func:
            case ast.Attribute(value=ast.Name(id="self"), attr=name) if (
                found and name in found.methods
            ):
                self._reach(module, f"{owner}.{name}", found.methods[name])
            case ast.Attribute(value=receiver, attr=name):
                if name not in _BUILTIN or _is_ours(modules()[module], tree, receiver, name):
                    self.called.add(name)

    def _node(self, module: Module, tree: ast.AST, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name):
                self._named(module, name)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in module.imports:
                self._dotted(f"{module.imports[name]}.{attribute}")

    def _named(self, module: Module, name: str) -> None:
        if name in module.functions:
            self._function(module.name, name)
        elif name in module.classes:
            self._make(module.name, name)
        elif name in module.imports:
            self._dotted(module.imports[name])

    def _dotted(self, dotted: str) -> None:
        module, _, name = dotted.rpartition(".")
        if dotted in modules():
            self._module(dotted)
        elif found := modules().get(module):
            self._module(module)
            self._named(found, name)

    def _make(self, module: str, name: str) -> None:
        if (module, name) not in self.made:
            self.made.add((module, name))
            self._module(module)
            found = modules()[module].classes[name]
            body = [n for n in found.tree.body if n not in found.methods.values()]
            self._reach(module, f"{name}.", ast.Module(body, []))


def _class_of(where: tuple[str, str]) -> Class:
    return modules()[where[0]].classes[where[1]]


def _all_methods(module: str, name: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Methods of a class and of the classes that it is made from: where, and its name."""
    found = modules()[module].classes[name]
    yield from (((module, name), method) for method in found.methods)
    for base in found.bases:
        if base in modules()[module].classes:
            yield from _all_methods(module, base)
        elif (dotted := modules()[module].imports.get(base, "")).rpartition(".")[0] in modules():
            owner, _, inherited = dotted.rpartition(".")
            if inherited in modules()[owner].classes:
                yield from _all_methods(owner, inherited)


def _executed(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes below that run: annotations and code for type checkers do not."""
    yield tree
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns") or (name == "body" and _is_for_checkers(tree)):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _executed(child)


def _is_for_checkers(tree: ast.AST) -> bool:
    return isinstance(tree, ast.If) and ast.unparse(tree.test) == "TYPE_CHECKING"


def _is_ours(module: Module, tree: ast.AST, receiver: ast.expr, method: str) -> bool:
    """Whether something that is called as dicts and lists are too is an object of the platform.

    Its class, or the protocol that it stands for, is in the annotation of the field, the argument
    or the function that it comes from.
    """
    owners = _owners(method)
    return any(owner in text for text in _annotations(module, tree, receiver) for owner in owners)


def _annotations(module: Module, tree: ast.AST, receiver: ast.expr) -> Iterable[str]:
    match receiver:
        case ast.Attribute(attr=name):
            return _fields().get(name.removeprefix("_"), ())
        case ast.Name(id=name):
            arguments = (n for n in ast.walk(tree) if isinstance(n, ast.arg))
            return [ast.unparse(a.annotation) for a in arguments if a.arg == name and a.annotation]
        case ast.Call(func=ast.Name(id=name)) if name in module.functions:
            returns = module.functions[name].returns
            return [ast.unparse(returns)] if returns else []
        case ast.Call(func=ast.Name(id=name)):
            return [name]
        case _:
            return []


@cache
def _fields() -> dict[str, list[str]]:
    """Fields and arguments by name, without the underscore of private ones: their annotations."""
    found: dict[str, list[str]] = {}
    for module in modules().values():
        for node in ast.walk(module.tree):
            match node:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                    found.setdefault(name.removeprefix("_"), []).append(ast.unparse(annotation))
                case ast.AnnAssign(target=ast.Attribute(attr=name), annotation=annotation):
                    found.setdefault(name.removeprefix("_"), []).append(ast.unparse(annotation))
                case ast.arg(arg=name, annotation=ast.expr() as annotation):
                    found.setdefault(name, []).append(ast.unparse(annotation))
    return found


@cache
def _owners(method: str) -> frozenset[str]:
    """The names of the platform's classes and protocols that have the method."""
    classes = (c for module in modules().values() for c in module.classes.values())
    return frozenset(c.name for c in classes if method in c.methods)


def reachable(entry: str) -> set[Request]:
    """The requests that a function can make."""
    return Walk().enter(entry).requests
