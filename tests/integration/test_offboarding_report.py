"""x."""

import json
from pathlib import Path

import pytest

from edreflect_assets.settings import Settings
from tests.integration.offboarding_world import CLEAN, NOTHING, TROUBLED, World, offboarding_world


def test_dev(postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with offboarding_world(postgres_server, template_database, tmp_path_factory.mktemp("offboarding")) as world:
        print(world.outputs[4]); print(world.outputs[5])
        for org in (TROUBLED, CLEAN, NOTHING):
            r = world.run("offboarding", "report", "--org", org, "--report", f"/tmp/rep/{org}")
            print(r.exit_code); print(r.output)
            if r.exception and not isinstance(r.exception, SystemExit):
                raise r.exception
            if r.exit_code==1 and 'foresaw' in r.output:
                print(world.run("offboarding", "report", "--org", org, "--debug").output)
