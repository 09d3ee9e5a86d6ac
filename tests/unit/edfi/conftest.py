"""A fake ODS for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ods_examples import KEY, SECRET

from edreflect_assets.fake_ods import FakeOds


@pytest.fixture
def ods() -> Iterator[FakeOds]:
    with FakeOds(key=KEY, secret=SECRET) as running:
        yield running
