"""Cloud entry: the catalog and the context become one stage of stacks per region."""

import sys
from pathlib import Path

import aws_cdk as cdk

import usecases
from glue import PlatformError
from infra.assets import Assets
from infra.settings import Settings
from infra.stage import add_stages


def main() -> None:
    """Synthesise every stage into cdk.out."""
    app = cdk.App()
    add_stages(
        app,
        catalog=usecases.load(),
        settings=Settings.parse(app.node.get_all_context()),
        assets=Assets.built(Path(__file__).parent),
    )
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except PlatformError as error:
        sys.exit(f"{type(error).__name__}: {error}")
