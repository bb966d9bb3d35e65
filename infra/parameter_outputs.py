"""A deployment's own choices among its CloudFormation outputs: use cases, applications, parameters.

May not import aws_cdk: commands read by it.
"""

from __future__ import annotations

from collections.abc import Mapping

import usecases
from glue import Catalog
from glue.errors import ParameterError
from glue.parameters import PLATFORM
from infra import applications
from infra.topology import Topology

USE_CASES, APPLICATIONS = "UseCases", "Applications"


def output_name(key: str) -> str:
    """The output of `Name` or `use_case.Name`: names of outputs have letters and digits only."""
    return "".join(part for part in key if part.isalnum())


def topology_in(prefix: str, outputs: Mapping[str, str]) -> Topology:
    """What is deployed; an older deployment has every use case, in one application.

    Raises ParameterError for a use case that this version does not have.
    """
    text = outputs.get(USE_CASES, ",".join(usecases.NAMES))
    try:
        names = usecases.chosen(text)
    except ValueError as error:
        raise ParameterError(
            f"the deployment has the use cases {text}, this version {', '.join(usecases.NAMES)}"
        ) from error
    one = applications.Application(applications.FIRST, names)
    grouped = applications.parse(outputs.get(APPLICATIONS, str(one)), names)
    return Topology(prefix, usecases.load(names), grouped)


def parameters_in(outputs: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """The parameters among a deployment's outputs, as it was given them."""
    own = [p.name for u in catalog.use_cases for p in u.own_parameters]
    shared = list(dict.fromkeys([*(p.name for p in PLATFORM), *own]))
    keys = [*shared, *(f"{u.name}.{name}" for u in catalog.use_cases for name in shared)]
    return {key: outputs[output_name(key)] for key in keys if output_name(key) in outputs}
