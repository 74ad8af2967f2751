"""Parts of your own, found by `tfdarts.search`; nothing of the package changes.

A task of your own is in tests/tasks/test_task_registry.py, a primitive of
your own in tests/test_primitive_table.py.
"""

import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
import tiny_search
import tiny_training

import tfdarts
from tfdarts.records.run_directory import Stage
from tfdarts.runs.genotype_origin import search_facts
from tfdarts.runs.search_configs import strategy_of_config
from tfdarts.strategies.strategy_registry import STRATEGIES
from tfdarts.tasks.configs import CandidateSearchConfig

TINY = {
    name: value
    for name, value in vars(tiny_search.TINY).items()
    if name not in ("strategy", "run_dir")
}


# A relaxation, a mixed operation, a regularizer and a rule of derivation


@keras.saving.register_keras_serializable(package="own")
class Sigmoid(tfdarts.Relaxation):
    def weights_of(self, alpha, training=False):
        return keras.ops.sigmoid(alpha)


@keras.saving.register_keras_serializable(package="own")
class HalfOfAll(tfdarts.MixedOp):
    def call(self, inputs, edge_weights=None, training=None):
        return 0.5 * super().call(inputs, edge_weights, training)


def sum_of_squares(alphas):
    return sum(tf.reduce_sum(tf.square(alpha)) for alpha in alphas)


def first_edges(space, probabilities):
    flat = {name: np.ones_like(p) for name, p in probabilities.items()}
    return space.derive(flat)


@dataclasses.dataclass(frozen=True)
class ToySettings(tfdarts.Settings):
    strength: float = tfdarts.setting(0.1, "Of the regularizer.", least=0)


class ToyGradient(tfdarts.SupernetStrategy):
    name = "toy"
    settings = ToySettings
    fixed = {"relaxation": "own"}

    def supernet_arguments(self, config):
        return {"relaxation": Sigmoid(), "mixed_op": HalfOfAll}

    def search_arguments(self, config):
        return {
            "derive": first_edges,
            "alpha_regularizer": lambda alphas: (
                config.strength * sum_of_squares(alphas)
            ),
        }


class AllEdges(tfdarts.SupernetStrategy):
    """Nodes keep all of their edges, and "none" removes an edge, as in SNAS."""

    name = "all_edges"

    def search_arguments(self, config):
        return {"derive": keep_all_edges}


def keep_all_edges(space, probabilities):
    none = space.primitives.index("none")
    probabilities = {name: p.copy() for name, p in probabilities.items()}
    for values in probabilities.values():
        values[:, none] = 0
    probabilities["normal"][0, none] = 1
    kept = tfdarts.CNNSearchSpace(
        *(space.num_nodes, space.primitives),
        edges_per_node="all",
        derive_none=True,
    )
    return kept.derive(probabilities)


@pytest.mark.slow
def test_nodes_with_all_edges_from_search_to_export(tmp_path):
    tfdarts.register_strategy(AllEdges())
    training = dataclasses.replace(
        tiny_training.TRAINING, genotype=None, run_dir=str(tmp_path)
    )
    config = tfdarts.search_config(
        "all_edges", **TINY | {"num_nodes": 2}, run_dir=str(tmp_path)
    )
    results = tfdarts.pipeline(config, training)
    genotype = tfdarts.Genotype.load(tmp_path / "genotype.json")
    for cell in genotype.cells.values():
        assert [len(edges) for edges in cell.nodes] == [2, 3]
    assert ("none", 0) in genotype.cells["normal"].nodes[0]
    assert "none" in (tmp_path / "cells" / "normal.dot").read_text()
    model = keras.models.load_model(tmp_path / "train" / "model.keras")
    assert model.get_layer("network").genotype == genotype
    assert tf.saved_model.load(results["saved_model"]).signatures


def test_a_strategy_joins_parts_of_your_own(tmp_path):
    tfdarts.register_strategy(ToyGradient())
    settings = TINY | {"relaxation": "own", "strength": 0.5}
    config = tfdarts.search_config("toy", **settings, run_dir=str(tmp_path))
    genotype = tfdarts.search(config)
    assert set(genotype.normal) == {("max_pool_3x3", 0), ("max_pool_3x3", 1)}
    with np.load(tmp_path / "search" / "probabilities.npz") as file:
        assert np.abs(file["normal"] - 0.5).max() < 0.3
        # Sigmoids of four primitives do not sum to 1.
        assert file["normal"].sum(-1).min() > 1.5
    written = json.loads((tmp_path / "search" / "config.json").read_text())
    assert (written["strategy"], written["strength"]) == ("toy", 0.5)
    assert tfdarts.search(config) == genotype


# A strategy that proposes, and a space of its own


@dataclasses.dataclass(frozen=True)
class HillSettings(tfdarts.Settings):
    step: int = tfdarts.setting(1, "Which neighbor is tried.", least=1)


class HillClimbing(tfdarts.Strategy):
    name = "hill"
    trains = "candidates"
    settings = HillSettings

    def run(self, search):
        space = tfdarts.CNNSearchSpace(1, ("skip_connect", "max_pool_3x3"))
        if not search.trials:
            search.evaluate(space.sample(seed=0))
        while len(search.trials) < search.config.num_candidates:
            neighbors = space.neighbors(search.genotype)
            position = search.config.step % len(neighbors)
            search.evaluate(neighbors[position])


def test_a_strategy_proposes_from_a_space_of_your_own(tmp_path):
    tfdarts.register_strategy(HillClimbing())
    settings = {
        name: value
        for name, value in vars(tiny_training.TRAINING).items()
        if name in tfdarts.SelectConfig.__dataclass_fields__
        and name not in ("space", "max_minutes")
    }
    settings |= {"validation_portion": 0.2, "run_dir": str(tmp_path)}
    config = tfdarts.search_config("hill", **settings, num_candidates=2)
    genotype = tfdarts.search(config)
    trials = json.loads((tmp_path / "search" / "trials.json").read_text())
    assert len(trials) == 2
    best = min(trials, key=lambda trial: trial["rank"])["genotype"]
    assert tfdarts.Genotype.from_dict(best) == genotype
    assert {name for name, _ in genotype.normal} <= {
        *("skip_connect", "max_pool_3x3")
    }


# A space with a primitive of its own


def own_conv(filters, strides, search, name=None, dtype=None):
    return keras.layers.Conv2D(
        *(filters, 1, strides), use_bias=False, name=name, dtype=dtype
    )


class TwoNodes(tfdarts.CNNSearchSpace):
    name = "two_nodes"
    num_nodes = 2
    primitives = ("none", "skip_connect", "own_conv")
    edges_per_node = "all"
    derive_none = True


def test_a_space_of_your_own_from_search_to_training(tmp_path):
    tfdarts.register_primitive("own_conv", own_conv)
    tfdarts.register_space(TwoNodes)
    settings = TINY | {"space": "two_nodes", "epochs": 1}
    del settings["num_nodes"], settings["primitives"]
    config = tfdarts.search_config(**settings, run_dir=str(tmp_path))
    genotype = tfdarts.search(config)
    assert genotype in TwoNodes()
    for cell in genotype.cells.values():
        assert [len(edges) for edges in cell.nodes] == [2, 3]
    with np.load(tmp_path / "search" / "probabilities.npz") as file:
        derived = TwoNodes().derive({n: file[n][-1] for n in file.files})
    assert (
        genotype == derived == tfdarts.Genotype.load(tmp_path / "genotype.json")
    )
    written = json.loads((tmp_path / "search" / "config.json").read_text())
    assert (written["space"], written["num_nodes"]) == ("two_nodes", 2)
    assert written["primitives"] == "paper"
    assert (tmp_path / "cells" / "alphas_normal.png").exists()
    assert tfdarts.search(config) == genotype
    training = dataclasses.replace(
        tiny_training.TRAINING, genotype=None, run_dir=str(tmp_path)
    )
    assert tfdarts.train(training)["num_parameters"] > 0


def test_candidates_are_drawn_from_the_space(tmp_path):
    tfdarts.register_primitive("own_conv", own_conv)
    tfdarts.register_space(TwoNodes)
    tfdarts.register_evaluator(SkipCount)
    config = tfdarts.search_config(
        "random",
        space="two_nodes",
        evaluator="skip_count",
        num_candidates=3,
        run_dir=str(tmp_path),
    )
    assert tfdarts.search(config) in map(TwoNodes().sample, range(3))


class Plain(tfdarts.SupernetStrategy):
    name = "plain"

    def search_arguments(self, config):
        return {"derive": first_edges}


def test_a_strategy_without_settings_is_not_darts():
    tfdarts.register_strategy(Plain())
    config = tfdarts.search_config("plain", **TINY)
    assert config.strategy == "plain"
    assert not isinstance(tfdarts.search_config(**TINY), type(config))
    with pytest.raises(ValueError, match="not settings of the strategy plain"):
        tfdarts.search(tfdarts.SearchConfig(strategy="plain", run_dir="r"))
    with pytest.raises(ValueError, match="not settings of the strategy plain"):
        tfdarts.dry_run(tfdarts.SearchConfig(strategy="plain"))


class OwnDARTS(ToyGradient):
    name = "darts"


class CandidatesOfDARTS(Plain):
    name = "darts"
    trains = "candidates"


@pytest.mark.parametrize("strategy", [OwnDARTS, CandidatesOfDARTS])
def test_another_darts_has_settings_of_its_own(strategy):
    tfdarts.register_strategy(strategy())
    for function in (tfdarts.search, tfdarts.dry_run):
        with pytest.raises(ValueError, match="not settings of the strategy da"):
            function(tfdarts.SearchConfig(run_dir="r"))
        with pytest.raises(ValueError, match="settings as one object, a tfdar"):
            function("darts")
    config = tfdarts.search_config("darts")
    assert config.strategy == "darts"
    assert strategy_of_config(config) is STRATEGIES["darts"]


def test_settings_without_a_strategy_are_refused():
    message = "CandidateSearchConfig names no strategy: create the settings"
    with pytest.raises(ValueError, match=message):
        tfdarts.search(CandidateSearchConfig(run_dir="r"))


class Idle(tfdarts.Strategy):
    name = "idle"
    trains = "candidates"

    def run(self, search):
        pass


def test_a_strategy_that_evaluates_nothing_is_named(tmp_path):
    tfdarts.register_strategy(Idle())
    config = tfdarts.search_config("idle", run_dir=str(tmp_path))
    with pytest.raises(ValueError, match="idle has evaluated no candidate"):
        tfdarts.search(config)


def test_a_strategy_is_checked_when_it_is_registered():
    with pytest.raises(ValueError, match="must be a tfdarts.Strategy"):
        tfdarts.register_strategy(HillClimbing)
    broken = HillClimbing()
    broken.name = None
    with pytest.raises(ValueError, match="must have a name"):
        tfdarts.register_strategy(broken)
    broken = HillClimbing()
    broken.trains = "nothing"
    with pytest.raises(ValueError, match="must be 'supernet' or 'candidates'"):
        tfdarts.register_strategy(broken)
    broken = HillClimbing()
    broken.name = "my hill"
    with pytest.raises(ValueError, match="letters, digits and underscores"):
        tfdarts.register_strategy(broken)

    class Unable(tfdarts.Strategy):
        name = "unable"
        trains = "candidates"

    with pytest.raises(ValueError, match="unable must have a method `run"):
        tfdarts.register_strategy(Unable())

    class Undecorated(tfdarts.Settings):
        step: int = tfdarts.setting(1, "Step.")

    for name in ("help", "flagfile", "quiet", "dry_run", "train_epochs"):
        field = name, int, tfdarts.setting(1, "Taken.")
        broken = HillClimbing()
        broken.settings = dataclasses.make_dataclass(
            "Taken", [field], bases=(tfdarts.Settings,), frozen=True
        )
        with pytest.raises(ValueError, match=f"cannot have the name {name}"):
            tfdarts.register_strategy(broken)
    for settings in (Undecorated, HillSettings(), dict, "step"):
        broken = HillClimbing()
        broken.settings = settings
        with pytest.raises(ValueError, match="a subclass of tfdarts.Settings"):
            tfdarts.register_strategy(broken)


@dataclasses.dataclass(frozen=True)
class SkipSettings(tfdarts.Settings):
    wanted: int = tfdarts.setting(0, "Skip connections.", least=0)


class SkipCount(tfdarts.Evaluator):
    """Takes the cell with the wanted number of skips; trains nothing."""

    name = "skip_count"
    settings = SkipSettings

    def __call__(self, genotype, run_dir):
        skips = genotype.num_skip_connections
        distance = abs(skips - self.config.wanted)
        return tfdarts.Evaluation(genotype, [distance], skips)


@pytest.fixture
def skip_count():
    tfdarts.register_evaluator(SkipCount)


def test_an_evaluator_of_your_own_ranks_candidates(tmp_path, skip_count):
    config = tfdarts.search_config(
        *("random",),
        evaluator="skip_count",
        wanted=2,
        num_candidates=9,
        patience=8,
        run_dir=str(tmp_path),
    )
    genotype = tfdarts.search(config)
    space = tfdarts.CNNSearchSpace(4)
    skips = [space.sample(n).num_skip_connections for n in range(9)]
    assert genotype.num_skip_connections == 2 != skips[0]
    assert genotype.normal == space.sample(skips.index(2)).normal
    path = tmp_path / "search"
    trials = json.loads((path / "trials.json").read_text())
    assert [trial["score"] for trial in trials] == skips
    assert all(0 <= trial["seconds"] < 60 for trial in trials)
    assert not (path / "candidates").exists()
    assert "candidate 1 of 9: 0, best 0" in (path / "log.txt").read_text()
    written = json.loads((path / "config.json").read_text())
    assert (written["evaluator"], written["wanted"]) == ("skip_count", 2)
    facts = search_facts(Stage(tmp_path, "search"))
    assert facts["score"] == 2 and facts["evaluator"] == "skip_count"
    assert "validation_accuracy" not in facts
    other = tfdarts.search_config("random", run_dir=str(tmp_path))
    with pytest.raises(ValueError, match="evaluator: skip_count recorded, fr"):
        tfdarts.search(dataclasses.replace(other, num_candidates=9))


def test_settings_of_another_evaluator_are_refused(skip_count):
    with pytest.raises(ValueError, match="random on images has no setting wan"):
        tfdarts.search_config("random", wanted=2)
    with pytest.raises(ValueError, match="darts on images has no setting eval"):
        tfdarts.search_config("darts", evaluator="skip_count")
    with pytest.raises(ValueError, match="There is no evaluator 'magic'. The "):
        tfdarts.search_config("random", evaluator="magic")
    config = tfdarts.search_config("random", run_dir="r")
    config = dataclasses.replace(config, evaluator="skip_count")
    message = (
        "not settings of the strategy random with the evaluator skip_count: "
        r"create them with tfdarts.search_config\('random', evaluator='skip_co"
    )
    with pytest.raises(ValueError, match=message):
        tfdarts.search(config)


def test_the_cost_of_an_evaluator_without_training_is_not_predicted(skip_count):
    config = tfdarts.search_config("random", evaluator="skip_count")
    with pytest.raises(ValueError, match="the evaluator skip_count need not"):
        tfdarts.dry_run(config)


def test_a_strategy_and_an_evaluator_share_no_setting(skip_count):
    class Same(HillClimbing):
        name = "same"
        settings = SkipSettings

    tfdarts.register_strategy(Same())
    with pytest.raises(ValueError, match="same and the evaluator skip_count b"):
        tfdarts.search_config("same", evaluator="skip_count")


def test_an_evaluator_is_checked_when_it_is_registered():
    for broken in (SkipCount(None, None), dict, HillClimbing):
        with pytest.raises(ValueError, match="a subclass of tfdarts.Evaluator"):
            tfdarts.register_evaluator(broken)
    Taken = dataclasses.make_dataclass(
        "Taken",
        [("evaluator", int, tfdarts.setting(1, "Taken."))],
        bases=(tfdarts.Settings,),
        frozen=True,
    )
    for attributes, message in (
        ({"name": None}, "must have a name"),
        ({"name": "my own"}, "letters, digits and underscores"),
        ({"settings": dict}, "a subclass of tfdarts.Settings"),
        ({"settings": Taken}, "cannot have the name evaluator"),
        (
            {"__call__": tfdarts.Evaluator.__call__},
            "skip_count must have a method `__call__",
        ),
    ):
        broken = type("Broken", (SkipCount,), attributes)
        with pytest.raises(ValueError, match=message):
            tfdarts.register_evaluator(broken)


@pytest.mark.parametrize(
    ("strategy", "settings", "message"),
    [
        ("magic", {}, "There is no strategy 'magic'. The strategies are: dar"),
        ("random", {"order": 1}, "random on images has no setting order"),
        ("random", {"num_candidates": 0}, "--num_candidates must be at least"),
    ],
)
def test_settings_of_no_strategy_are_refused(strategy, settings, message):
    with pytest.raises(ValueError, match=message):
        tfdarts.search_config(strategy, **settings)


def test_settings_of_another_strategy_are_refused():
    config = tfdarts.SearchConfig(strategy="random", run_dir="r")
    with pytest.raises(ValueError, match="not settings of the strategy random"):
        tfdarts.search(config)


CONTRIBUTING = pathlib.Path(__file__).parents[1] / "CONTRIBUTING.md"
EXAMPLES = re.findall(
    r"^```python\n(.*?)^```", CONTRIBUTING.read_text(), re.M | re.S
)


def test_examples_of_contributing_run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "example"}
    for code in EXAMPLES:
        exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    assert {"conv_1x1"} < {*names["supernet"].primitives}
    assert len(names["neighbors"]) > 2
    supernet = names["sharp"]
    exponentials = np.exp(2 * supernet.alpha_values()["normal"].astype(float))
    np.testing.assert_allclose(
        supernet.probabilities()["normal"],
        exponentials / exponentials.sum(axis=1, keepdims=True),
        rtol=1e-12,
    )
    names["tfdarts"].search_config("sharp")
    assert names["few_skips"].num_skip_connections == 0
    assert capsys.readouterr().out.startswith("vectors:16: 64 train, 16 test")


def test_examples_of_contributing_use_public_names():
    text = CONTRIBUTING.read_text()
    assert not re.findall(r"from tfdarts.* import .*", text)
    for name in re.findall(r"\btfdarts\.(\w*)", "".join(EXAMPLES)):
        assert name in tfdarts.__all__
    of_pages = re.findall(r"`tfdarts\.(\w+\.\w+.*?)`", text)
    assert [name for name in of_pages if name.endswith("plugins")] == of_pages


def test_examples_of_contributing_register_without_tensorflow():
    registering = [code for code in EXAMPLES if "tfdarts.register_" in code]
    assert len(registering) == 8
    loaded = "assert not {'tensorflow', 'keras'} & {*sys.modules}"
    code = "\n".join(["import sys", *registering, loaded])
    subprocess.run([sys.executable, "-c", code], check=True)


class Trained:
    """A search of candidates whose training takes no time."""

    def __init__(self, space, num_candidates):
        self.space = space
        self.config = types.SimpleNamespace(
            seed=0, num_candidates=num_candidates
        )
        self.trials = []

    def evaluate(self, genotype):
        self.trials.append(types.SimpleNamespace(genotype=genotype))

    @property
    def genotype(self):
        return self.trials[0].genotype


@pytest.mark.parametrize(
    ("space", "evaluated"),
    [
        (tfdarts.RNNSearchSpace(1, ["tanh"]), 1),
        (tfdarts.CNNSearchSpace(1, ["skip_connect"]), 1),
        (tfdarts.RNNSearchSpace(1, ["tanh", "relu"]), 2),
        (tfdarts.RNNSearchSpace(2, ["tanh", "relu"]), 4),
    ],
)
def test_hill_climbing_of_contributing_ends_without_neighbors(space, evaluated):
    names = {"__name__": "example"}
    (code,) = [code for code in EXAMPLES if "class HillClimbing" in code]
    exec(compile(f"import tfdarts\n{code}", "CONTRIBUTING.md", "exec"), names)
    search = Trained(space, num_candidates=5)
    names["HillClimbing"]().run(search)
    assert len({trial.genotype for trial in search.trials}) == evaluated
    assert len(search.trials) == evaluated
