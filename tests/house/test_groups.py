"""What shares a costly bank runs in one worker: without it each worker would build the bank for itself, unnoticed."""

import os

import pytest


@pytest.mark.xdist_group("kept-together")
def test_marked_groups_reach_the_scheduler(request: pytest.FixtureRequest) -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("in one process there is nothing to keep together")
    assert request.node.nodeid.endswith("@kept-together")
