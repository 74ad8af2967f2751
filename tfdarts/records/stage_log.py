"""The log file of a stage."""

import contextlib
import logging

from tfdarts.console import is_lasting

logger = logging.getLogger("tfdarts")


@contextlib.contextmanager
def write_log(stage):
    """Writes `log.txt` of a stage; if the work fails, the reason, too.

    A finished stage stays finished unless the work has extended it.

    Args:
        stage: `Stage`.
    """
    handler = logging.FileHandler(
        stage.path / "log.txt", encoding="utf-8", errors="backslashreplace"
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    handler.addFilter(is_lasting)
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    except BaseException as error:
        reason = str(error) or type(error).__name__
        # On a full disk, only the first error matters.
        with contextlib.suppress(OSError):
            record = logging.makeLogRecord({"msg": f"Stopped: {reason}"})
            handler.emit(record)
            if not stage.finished:
                stage.report("stopped", reason=reason)
        raise
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        handler.close()
