"""One running product for these tests; each test makes its own organization.

Those that need a product of their own are in `disturbed`, which runs before this one is started.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.whole_stack import Tenant, WholeStack, whole_stack


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeStack]:
    with whole_stack(tmp_path_factory.mktemp("product")) as running:
        yield running


@pytest.fixture
def tenant(product: WholeStack) -> Iterator[Tenant]:
    made = product.new_tenant()
    yield made
    made.http.close()
