"""The study of found cells: its images, plans, sizes, order and tables."""

import argparse
import itertools
import json
import math
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from tfdarts import CNNSearchSpace

BENCHMARKS = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def studies(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)


@pytest.fixture
def images_dir(tmp_path):
    """CIFAR-10's files, of 40 random images each."""
    random = np.random.default_rng(0)
    for name in ("train_0", "train_1", "test"):
        images = random.integers(0, 256, (40, 32, 32, 3), "uint8")
        np.savez(tmp_path / f"{name}.npz", x=images, y=np.arange(40) % 10)
    return tmp_path


@pytest.mark.parametrize("scale", [1.0, 0.04, 0.002])
def test_no_image_has_two_purposes(scale):
    from cifar10_images import positions_of

    images = {
        purpose: {(split, n) for n in range(start, end)}
        for purpose in ("weights", "alphas", "training", "test")
        for split, start, end in [positions_of(purpose, scale)]
    }
    assert not images["weights"] & images["alphas"]
    for purpose in ("weights", "alphas", "training"):
        assert not images[purpose] & images["test"]
    # The final network may learn from the images of the search.
    assert images["weights"] | images["alphas"] < images["training"]
    sizes = {purpose: len(each) for purpose, each in images.items()}
    assert sizes == {
        "weights": round(5_000 * scale),
        "alphas": round(5_000 * scale),
        "training": round(20_000 * scale),
        "test": round(10_000 * scale),
    }


def test_differences_of_pixels_are_summed(images_dir):
    """Written by hand as the file has them, green first."""
    from cifar10_images import read_file

    path = images_dir / "train_0.npz"
    images, labels = read_file(path)
    with np.load(path) as file:
        np.testing.assert_array_equal(images, file["x"])
    red, green, blue = np.moveaxis(images, -1, 0)
    planes = np.stack([green, red - green, blue - green])
    planes[..., 1:] -= planes[..., :-1].copy()
    planes[..., 1:, :] -= planes[..., :-1, :].copy()
    np.savez(path, r=planes, y=labels)
    found, _ = read_file(path)
    np.testing.assert_array_equal(found, images)


def test_images_of_half_the_size_are_means(images_dir, monkeypatch):
    import cifar10_images

    monkeypatch.setattr(cifar10_images, "IMAGES_OF_A_FILE", 40)
    images, labels = cifar10_images.read_purpose(images_dir, "training", 0.003)
    assert images.shape == (60, 16, 16, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(labels, [*range(10)] * 6)
    with np.load(images_dir / "train_1.npz") as file:
        large = file["x"][2].astype(float)
    for row, column, color in ((0, 0, 0), (15, 3, 1), (7, 15, 2)):
        block = large[2 * row : 2 * row + 2, 2 * column : 2 * column + 2, color]
        assert images[42, row, column, color] == math.floor(block.mean() + 0.5)
    with pytest.raises(ValueError, match="and the study needs 20000 of them"):
        cifar10_images.read_purpose(images_dir, "training")


@pytest.mark.parametrize("target", [9_000, 60_000, 61_111, 250_000])
def test_channels_are_the_nearest(target):
    """The integer by a search of all, then the factor by a search of all."""
    from equal_networks import MULTIPLIERS
    from equal_networks import fit_channels

    def count(channels, multiplier=2.0):
        widths = [round(channels * multiplier**n) for n in range(3)]
        return sum(31 * c * c + 200 * c for c in widths) + 4_321

    found = fit_channels(count, target)
    channels = min(range(1, 60), key=lambda c: abs(count(c) - target))
    least = min(abs(count(channels, m) - target) for m in MULTIPLIERS)
    assert found["init_channels"] == channels
    assert found["parameters"] == count(channels, found["channel_multiplier"])
    assert abs(found["parameters"] - target) == least <= 0.03 * target


def test_a_network_of_another_size_is_not_compared():
    from equal_networks import fit_channels

    with pytest.raises(ValueError, match="within 3%; the nearest has 70,000"):
        fit_channels(lambda channels, multiplier=2.0: 70_000, 60_000)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_networks_of_cells_have_equal_sizes(seed):
    from equal_networks import counter
    from equal_networks import fit_channels

    found = fit_channels(counter(CNNSearchSpace().sample(seed)))
    assert abs(found["parameters"] - 60_000) <= 1_800


def test_plans_fill_the_time_and_no_more():
    import found_cells_ways as ways

    seconds = {"epoch": 7.0, "decisions": 3.0, "start": 20.0}
    for searches, candidates in ((1, 0), (1, 4), (2, 6)):
        way = ways.Gradient(
            warmup=0.3, searches=searches, candidates=candidates
        )
        epochs, warmup = ways.plan_epochs(10, way, seconds, 31.0)
        used = searches * (20 + 3 + 7 * epochs) + 31 * candidates
        assert used <= 600 < used + 7 * searches
        assert warmup == round(0.3 * epochs)
    assert ways.plan_candidates(10, 31.0) == 19
    with pytest.raises(ValueError, match="has no time for two epochs"):
        ways.plan_epochs(0.6, ways.Gradient(), seconds, 31.0)
    with pytest.raises(ValueError, match="at least one candidate for each"):
        ways.Gradient(searches=2, candidates=1)


def test_different_genotypes_of_late_epochs_are_tried():
    from found_cells_ways import epochs_to_try

    a, b, c, d, e = map(CNNSearchSpace().sample, range(5))
    epochs = [a, b, b, a, c, d, d, e]
    assert epochs_to_try(epochs, 1, 1) == [8]
    assert epochs_to_try(epochs, 1, 2) == [5, 8]
    assert epochs_to_try(epochs, 1, 9) == [3, 4, 5, 7, 8]
    assert epochs_to_try(epochs, 5, 9) == [5, 7, 8]
    for first, count in itertools.product(range(1, 9), range(1, 6)):
        tried = epochs_to_try(epochs, first, count)
        assert len({epochs[n - 1] for n in tried}) == len(tried) <= count
        assert tried[-1] == 8 and tried[0] >= first


def test_random_cells_are_those_of_no_search_and_no_percentile():
    import found_cells_ways as ways
    import percentiles

    from tfdarts.strategies.strategy import MOST_CANDIDATES

    drawn = {ways.FIRST_RANDOM + seed for seed in range(10_000)}
    first = ways.FIRST_RANDOM + 10**6
    drawn |= {first + n for n in range(ways.MOST_OF * 1_000)}
    assert len(drawn) == 10_000 + ways.MOST_OF * 1_000
    assert min(drawn) > max(percentiles.RANDOM, 3_000 * MOST_CANDIDATES)
    assert max(drawn) < 2**32


def test_jobs_wait_for_their_needs_and_plans_come_first():
    from found_cells_jobs import CANDIDATE
    from found_cells_jobs import Job
    from found_cells_jobs import jobs_of
    from found_cells_jobs import ready_jobs

    jobs = jobs_of(["random", "darts", "best_of_n"], [0, 1])
    plans = [Job("plan", way, 0) for way in (CANDIDATE, "darts", "best_of_n")]
    assert {*plans} <= {*jobs} and len(jobs) == 3 + 2 * 2 * 3
    assert ready_jobs(jobs, {}) == plans[:1]
    done = {plans[0]: {}}
    assert ready_jobs(jobs, done) == plans[1:]
    done |= dict.fromkeys(plans, {})
    searches = [job for job in jobs if job.kind == "search"]
    assert ready_jobs(jobs, done) == searches
    done |= {Job("search", "random", 0): {}}
    done |= {Job("search", "darts", 0): {"error": "no"}}
    ready = ready_jobs(jobs, done)
    assert Job("train", "random", 0) in ready
    assert Job("train", "darts", 0) not in ready
    assert not {*done} & {*ready}


def test_hours_left():
    from found_cells_jobs import Job
    from found_cells_jobs import hours_left

    jobs = [Job("plan", "darts", 0), Job("search", "random", 0)]
    jobs += [Job("search", "darts", 0), Job("train", "darts", 0)]
    assert hours_left(jobs, {}, 15) == 0.5
    done = {Job("train", "random", n): {"seconds": 60.0 * n} for n in (1, 3)}
    done[Job("train", "random", 2)] = {"error": "no", "seconds": 1e6}
    assert hours_left(jobs, done, 15) == pytest.approx(0.25 + 120 / 3600)


def test_finished_runs_are_skipped(tmp_path, monkeypatch, capsys):
    import found_cells

    given = argparse.Namespace(
        results=tmp_path / "rows.jsonl", work_dir=tmp_path, minutes=10.0
    )
    jobs = found_cells.jobs_of(["random", "DARTS_V2"], [0])
    ran = []

    def run(given, job):
        ran.append(job)
        found_cells.keep(given, job, {"seconds": 1.0})
        return 0

    monkeypatch.setattr(found_cells, "run_process", run)
    found_cells.run_all(given, jobs)
    assert ran == jobs and len(jobs) == 4
    assert "4 of 4 runs are left" in capsys.readouterr().out
    # The last line is lost, and a line of another length does not count.
    lines = given.results.read_text().splitlines(keepends=True)
    other = lines[-1].replace("10.0", "20.0")
    given.results.write_text("".join([*lines[:-1], other]))
    found_cells.run_all(given, jobs)
    assert ran == [*jobs, jobs[-1]]
    assert "1 of 4 runs are left" in capsys.readouterr().out
    found_cells.run_all(given, jobs)
    assert len(ran) == 5 and "left" not in capsys.readouterr().out


def test_what_another_process_does_is_left_to_it(tmp_path, monkeypatch, capsys):
    import found_cells
    from study import lock_run
    from study import read_rows

    given = argparse.Namespace(
        results=tmp_path / "rows.jsonl", work_dir=tmp_path, minutes=10.0
    )
    jobs = found_cells.jobs_of(["random", "DARTS_V2"], [0])

    def run(given, job):
        with lock_run(tmp_path / "locks", "_".join(map(str, job))) as is_free:
            if not is_free:
                return found_cells.BUSY
            found_cells.keep(given, job, {"seconds": 1.0})
            return 0

    monkeypatch.setattr(found_cells, "run_process", run)
    with lock_run(tmp_path / "locks", "search_random_0"):
        found_cells.run_all(given, jobs)
    assert "2 runs are left that other processes" in capsys.readouterr().out
    ways = [row["way"] for row in read_rows(given.results)]
    assert ways == ["DARTS_V2", "DARTS_V2"]


def test_the_table_by_hand():
    import found_cells_table as tables

    accuracies = {
        "random": [0.60, 0.62, 0.61],
        "best_of_n": [0.61, 0.65],
        "darts": [0.64, 0.66, 0.68],
    }
    rows = [
        {
            **{"kind": kind, "way": way, "seed": seed, "minutes": 10.0},
            **{"core_seconds": 100.0 * seed, "percentile": 50.0, "skips": seed},
            **{"test_accuracy": value, "parameters": 60_000 + seed},
        }
        for way, values in accuracies.items()
        for seed, value in enumerate(values)
        for kind in ("search", "train")
    ]
    rows.append(
        {
            **{"kind": "train", "way": "gdas", "seed": 3, "minutes": 10.0},
            **{"error": "ValueError: no", "seconds": 1.0},
        }
    )
    text = tables.markdown(rows)
    lines = text.splitlines()
    # Deviations: 2 and 1 points by hand; standard errors: over the root of 3.
    assert lines[2] == (
        "| `darts` | 3 | 66.00 | 2.00 | 1.15 | 1.0 | 50 | 100 | "
        "60,000 to 60,002 |"
    )
    assert lines[4].startswith("| `random` | 3 | 61.00 | 1.00 | 0.58 | 1.0 |")
    assert "The 3 comparisons made" in text
    # 5 points; sqrt(4/3 + 1/3) = 1.29; Welch's t is 3.873 at 2.94 degrees of
    # freedom.
    assert "| `darts` | `random` | +5.00 | 1.29 | 0.032 |" in lines
    assert "- Failed: the train of `gdas`, seed 3: ValueError: no" in lines
    assert tables.markdown([]) == "No run is finished yet."


def test_welch_by_its_formula():
    """t and the degrees of freedom by the formula, p by their density."""
    from found_cells_table import compare

    one, other = np.array([64.0, 66, 68]), np.array([60.0, 62, 61, 59])
    found = compare(one, other)
    variances = [each.var(ddof=1) / len(each) for each in (one, other)]
    t = (one.mean() - other.mean()) / math.sqrt(sum(variances))
    freedom = sum(variances) ** 2 / (
        variances[0] ** 2 / 2 + variances[1] ** 2 / 3
    )
    x = np.linspace(-t, t, 2_000_001)
    factor = math.gamma((freedom + 1) / 2) / (
        math.sqrt(freedom * math.pi) * math.gamma(freedom / 2)
    )
    density = factor * (1 + x**2 / freedom) ** (-(freedom + 1) / 2)
    assert found["difference"] == one.mean() - other.mean()
    assert found["error"] == pytest.approx(math.sqrt(sum(variances)))
    inside = np.trapezoid(density, x)
    assert found["p"] == pytest.approx(1 - inside, abs=1e-6)


def test_a_picture_of_the_runs(tmp_path):
    import found_cells_table as tables

    rows = [
        {"kind": "train", "way": way, "test_accuracy": 0.6 + seed / 100}
        for way, seeds in (("random", 3), ("darts", 2), ("DARTS_V2", 1))
        for seed in range(seeds)
    ]
    tables.draw(rows, tmp_path / "runs.png")
    assert (tmp_path / "runs.png").read_bytes().startswith(b"\x89PNG")


def test_tables_of_pages_are_those_of_the_results():
    import tables

    for page in tables.PAGES:
        text = (tables.ROOT / page).read_text()
        assert tables.PLACE.search(text), page
        assert tables.with_tables(text) == text, (
            f"{page} is out of date: run python benchmarks/tables.py"
        )


def test_a_page_is_written_between_its_comments(tmp_path, monkeypatch):
    import tables

    monkeypatch.setattr(tables, "RESULTS", tmp_path)
    page = "a\n<!-- table: found_cells -->\nold\n<!-- end of table -->\nb\n"
    expected = page.replace("old", "\nNo run is finished yet.\n")
    assert tables.with_tables(page) == expected
    assert tables.with_tables(expected) == expected
    with pytest.raises(ValueError, match="no table other, only found_cells"):
        tables.with_tables(page.replace("found_cells", "other"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "dart"], "dart is not one of random"),
        (["run", "darts"], "run needs --images and --work_dir"),
        (["score", "random"], "random is not one of darts"),
        (["score"], "score takes one way"),
        (
            ["run", "--images=a", "--work_dir=b", "--scale=0.1"],
            "need another file for --results",
        ),
    ],
)
def test_usage_errors(arguments, message, capsys):
    from found_cells import parse_arguments

    with pytest.raises(SystemExit):
        parse_arguments(arguments)
    assert message in capsys.readouterr().err


def run_study(command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-3000:]
    return done


@pytest.mark.slow
def test_a_tiny_study(images_dir):
    tiny = {"num_cells": 3, "batch_size": 8, "epochs": 1}
    changes = {
        "search": {
            "init_channels": 2,
            "num_cells": 3,
            "batch_size": 8,
            "primitives": "skip_connect,max_pool_3x3,sep_conv_3x3",
        },
        "brief": {**tiny, "init_channels": 2},
        "training": {"batch_size": 8, "epochs": 1},
    }
    results = images_dir / "results.jsonl"
    # Plans that are there are not measured, which takes longer than the rest.
    plans = images_dir / "work" / "plans"
    plans.mkdir(parents=True)
    for name, plan in {
        "candidate": {"candidate_seconds": 30.0},
        "darts_selected": {"epochs": 2, "warmup": 1, "measured": {}},
    }.items():
        (plans / f"{name}_2_minutes.json").write_text(json.dumps(plan))
    command = [
        *(sys.executable, BENCHMARKS / "found_cells.py", "run"),
        *("random", "darts_selected", f"--images={images_dir}", "--seeds=100"),
        *(f"--work_dir={images_dir / 'work'}", f"--results={results}"),
        *("--minutes=2", "--scale=0.002", f"--changes={json.dumps(changes)}"),
    ]
    first, second = (run_study(command) for _ in range(2))
    assert "4 of 6 runs are left" in first.stdout
    assert "left" not in second.stdout
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    assert [(row["kind"], row["way"]) for row in rows] == [
        (kind, way)
        for way in ("random", "darts_selected")
        for kind in ("search", "train")
    ]
    assert not any("error" in row for row in rows)
    for row in rows[1::2]:
        assert 58_200 <= row["parameters"] <= 61_800
        assert 0 <= row["test_accuracy"] <= 1


def test_every_gradient_way_has_settings(images_dir):
    import found_cells_ways as ways

    study = ways.Study(images_dir, images_dir, scale=0.002)
    for name, way in ways.GRADIENT.items():
        config = ways.gradient_config(study, way, 7, images_dir / name, 9, 3)
        assert (config.strategy, config.seed) == (way.strategy, 7)
        assert (config.epochs, config.alpha_warmup_epochs) == (9, 3)
        assert config.dataset.splits["train"] == 10
        assert config.dataset.image_shape == (16, 16, 3)
        for setting, value in way.settings.items():
            assert getattr(config, setting) == value
    for strategy in ways.TRAINED.values():
        config = ways.candidate_config(study, strategy, 7, images_dir, 5)
        assert (config.num_candidates, config.epochs) == (5, 4)
        assert config.num_cells == 5 and config.validation_portion == 0


def test_the_scores_of_each_epoch_are_printed(tmp_path, monkeypatch, capsys):
    import found_cells
    import found_cells_search
    import percentiles

    space, path = CNNSearchSpace(), tmp_path / "search0"
    (path / "search" / "genotypes").mkdir(parents=True)
    random = np.random.default_rng(0)
    shape = (3, *space.alpha_shape)
    values = {name: random.uniform(size=shape) for name in space.cell_types}
    np.savez(path / "search" / "probabilities.npz", **values)
    for epoch in (1, 2):
        space.derive({name: v[epoch] for name, v in values.items()}).save(
            path / "search" / "genotypes" / f"epoch_{epoch}.json"
        )
    monkeypatch.setattr(percentiles, "RANDOM", 50)
    monkeypatch.setattr(
        found_cells_search, "search_all", lambda *arguments: [path]
    )
    given = found_cells.parse_arguments(
        ["score", "darts", f"--images={tmp_path}", f"--work_dir={tmp_path}"]
    )
    found_cells.keep(given, found_cells.Job("plan", "darts", 0), {"epochs": 2})
    found_cells.print_scores(given)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
    assert {row["search"] for row in rows} == {"search0"}
    assert all(0 <= row["percentile"] <= 100 for row in rows)
