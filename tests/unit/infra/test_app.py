"""The cloud entry: a deployment needs the definitions and the stacks, and nothing else of ours."""

import ast
from pathlib import Path

APP = Path(__file__).parents[3] / "app.py"


def test_it_imports_neither_the_command_nor_what_is_deployed():
    tree = ast.parse(APP.read_text("utf-8"))
    modules = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    modules += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    packages = {module.partition(".")[0] for module in modules}
    assert packages == {"sys", "pathlib", "aws_cdk", "usecases", "glue", "infra"}
