"""Cloud entry: the catalog and the context become one stage of stacks per region.

A definition whose change would break its old senders, readers or rows is not deployed.
"""

import sys
from pathlib import Path

import aws_cdk as cdk

import usecases
from glue import PlatformError
from glue.released import check_released
from infra.assets import Assets
from infra.settings import Settings
from infra.stage import add_stages

ROOT = Path(__file__).parent


def main() -> None:
    """Synthesise every stage into cdk.out."""
    app = cdk.App()
    check_released(ROOT, usecases.load())
    settings = Settings.parse(app.node.get_all_context())
    add_stages(
        app,
        catalog=usecases.load(settings.use_cases),
        settings=settings,
        assets=Assets.built(ROOT),
    )
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except PlatformError as error:
        sys.exit(f"{type(error).__name__}: {error}")
