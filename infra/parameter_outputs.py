"""A deployment's parameters among its CloudFormation outputs: written by one function, read by one.

May not import aws_cdk: commands read by it.
"""

from __future__ import annotations

from collections.abc import Mapping

from glue import Catalog
from glue.parameters import PLATFORM


def output_name(key: str) -> str:
    """The output of `Name` or `use_case.Name`: names of outputs have letters and digits only."""
    return "".join(part for part in key if part.isalnum())


def parameters_in(outputs: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """The parameters among a deployment's outputs, as it was given them."""
    own = [p.name for u in catalog.use_cases for p in u.parameters]
    shared = list(dict.fromkeys([*(p.name for p in PLATFORM), *own]))
    keys = [*shared, *(f"{u.name}.{name}" for u in catalog.use_cases for name in shared)]
    return {key: outputs[output_name(key)] for key in keys if output_name(key) in outputs}
