"""What every slide starts from."""

import pytest

from edgenet.utils import set_random_seed


@pytest.fixture(autouse=True)
def _seeded():
    set_random_seed(1337)
