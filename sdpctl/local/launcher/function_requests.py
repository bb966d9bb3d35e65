"""Lambda: a function's process holds its requests to the services' models.

The emulator takes what the services refuse; see `sdpctl.local.service_models`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from ministack.core import lambda_runtime

from sdpctl.local import service_models

REPLACED: dict[Callable[..., Any], list[str]] = {}
USED: dict[ModuleType, tuple[str, ...]] = {lambda_runtime: ("_PYTHON_WORKER_SCRIPT",)}
# A line of the script that runs a function: from here on, modules are found in its bundle.
_CODE_IS_FOUND = "    _ms_install_invoke_depth()\n"
_INSTALL = """\
sys.path.append({folder!r})
import {module}
sys.path.remove({folder!r})
{module}.install()
"""


def replace() -> None:
    """Put the check into the script of Python functions."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = with_check(lambda_runtime._PYTHON_WORKER_SCRIPT)


def with_check(script: str) -> str:
    """The script, which checks requests once the function's own botocore can be found."""
    before, line, after = script.partition(_CODE_IS_FOUND)
    if not line:
        raise SystemExit(f"ministack's script of a function lacks {_CODE_IS_FOUND.strip()!r}")
    path = Path(service_models.__file__)
    install = _INSTALL.format(folder=str(path.parent), module=path.stem)
    return before + line + textwrap.indent(install, "    ") + after
