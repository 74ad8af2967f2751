"""What native libraries say unasked."""

import contextlib
import os
import sys
import tempfile


@contextlib.contextmanager
def quiet_stderr():
    """Keeps what native libraries write to stderr off it.

    Lines of TensorFlow's C++ start-up and of LiteRT obey no setting. If what
    is done fails, what was held back is written after all.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held_back:
        os.dup2(held_back.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            held_back.seek(0)
            os.write(2, held_back.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
