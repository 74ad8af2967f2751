"""How long a search takes, from a brief search."""

import statistics
import time


def seconds_between(run_dir):
    """Returns the seconds of each epoch after the first, a list.

    They are told by the times of the files that each epoch writes. An epoch
    after an interruption counts like the others.
    """
    files = sorted(
        (run_dir / "search" / "genotypes").glob("epoch_*.json"),
        key=lambda file: int(file.stem.removeprefix("epoch_")),
    )
    times = [file.stat().st_mtime for file in files]
    found = [after - before for before, after in zip(times, times[1:])]
    most = 3 * statistics.median(found) if found else 0
    return [min(each, most) for each in found]


def measure_search(config_of_length, run_dir, share):
    """Searches briefly; returns what the search costs, in seconds.

    Args:
        config_of_length: Function of epochs and of epochs before alpha moves,
            which returns the settings of a search.
        run_dir: Path.
        share: Float, the share of the epochs before alpha moves.

    Returns:
        Dict: `epoch`, the mean of all epochs; `decisions`, which follow the
        search; `start`, the rest, such as the building of graphs; and
        `cores`, how many cores were used, a mean.
    """
    import tfdarts
    from tfdarts.runs.stages_of_search import StagesOfSearch

    # The first epoch of each kind builds graphs, the second does not.
    length = 4 if share else 2
    config = config_of_length(length, 2 if share else 0)
    begun, computed = time.monotonic(), time.process_time()
    tfdarts.search(config)
    total = time.monotonic() - begun
    cores = (time.process_time() - computed) / total
    ends = StagesOfSearch(config, run_dir / "search").ends
    epoch = decisions = usual = 0.0
    seconds = seconds_between(run_dir)
    for start, end in zip([0, *ends], ends):
        last, warm = seconds[end - 2], seconds[start]
        if end - start == length:
            epoch += (1 - share) * last + share * warm
            usual += 2 * last + (2 * warm if share else 0)
        else:  # Decisions after the search have epochs of their own.
            decisions += (end - start) * last
    rest = max(total - usual - decisions, 0.0)
    return {
        "epoch": epoch,
        "decisions": decisions,
        "start": rest,
        "cores": cores,
    }
