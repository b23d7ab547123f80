"""What the tests of the deployment share."""

import pytest

from tests.support.template import Template, packaged


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return packaged(tmp_path_factory.mktemp("prod"))


@pytest.fixture(scope="session")
def aurora(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return packaged(tmp_path_factory.mktemp("aurora"), "--param", "database=aurora")
