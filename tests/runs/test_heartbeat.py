"""What takes long gives signs of life."""

import logging
import threading
import time

import pytest

from tfdarts.runs.heartbeat import heartbeat


@pytest.mark.parametrize("error", [None, KeyError])
def test_it_is_said_what_is_done_and_for_how_long(error, caplog):
    threads = threading.active_count()
    with caplog.at_level(logging.INFO, "tfdarts"):
        try:
            with heartbeat("building", interval=0.01):
                assert caplog.messages == ["building ..."]
                while len(caplog.records) < 3:
                    time.sleep(0.01)
                if error:
                    raise error
        except KeyError:
            pass
    assert threading.active_count() == threads
    first, *others = caplog.records
    assert not hasattr(first, "transient")
    assert all(record.transient for record in others)
    assert caplog.messages[1] == "building, 0:00 so far"
