"""What native libraries say is kept, and said when need be."""

import os

import pytest

from tfdarts.stderr import quiet_stderr


def test_a_quiet_stderr_keeps_native_lines_off_stderr(capfd):
    with quiet_stderr():
        os.write(2, b"I0000 cpu_feature_guard\n")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"


@pytest.mark.parametrize("error", [ImportError, KeyboardInterrupt])
def test_what_was_held_back_is_replayed_when_it_fails(error, capfd):
    with pytest.raises(error, match="no library"):
        with quiet_stderr():
            os.write(2, b"libcuda is missing\n")
            raise error("no library")
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "libcuda is missing\nheard\n"


def test_standard_output_is_left_alone(capfd):
    with quiet_stderr():
        os.write(1, b"result\n")
    assert capfd.readouterr().out == "result\n"


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="no /proc")
def test_no_file_descriptor_is_left_open():
    before = len(os.listdir("/proc/self/fd"))
    with quiet_stderr():
        pass
    with pytest.raises(ValueError):
        with quiet_stderr():
            raise ValueError
    assert len(os.listdir("/proc/self/fd")) == before
