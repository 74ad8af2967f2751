"""The parts of a search by gradient descent, made from its settings.

Parts that the settings leave as in DARTS are left out.
"""

import functools

from tfdarts.strategies.gradient.gradient_settings import NOISY
from tfdarts.strategies.gradient.gradient_settings import GradientSettings
from tfdarts.strategies.gradient.gradient_settings import MixedOpSettings
from tfdarts.strategies.gradient.search_stages import SearchStage
from tfdarts.strategies.gradient.search_stages import carry_all
from tfdarts.strategies.gradient.search_stages import keep_strongest
from tfdarts.strategies.gradient.stage_settings import OF_STAGES
from tfdarts.strategies.gradient.stage_settings import numbers_of


def supernet_arguments(strategy, config):
    """Returns the arguments of the supernet that are not those of DARTS.

    Args:
        strategy: `SupernetStrategy`.
        config: The settings of the search.

    Raises:
        ValueError: If settings and strategy both choose the same part.
    """
    return _joined(_supernet_parts(config), strategy, "supernet", config)


def search_arguments(strategy, config):
    """Returns the arguments of the search that are not those of DARTS.

    Args:
        strategy: `SupernetStrategy`.
        config: The settings of the search.

    Raises:
        ValueError: If settings and strategy both choose the same part.
    """
    return _joined(_search_parts(config), strategy, "search", config)


def _joined(parts, strategy, name, config):
    own = getattr(strategy, f"{name}_arguments")(config)
    for argument in {*parts} & {*own}:
        flag = _FLAGS[argument]
        if argument == "mixed_op" and config.mixed_op == "all":
            # Both need a mixed operation of their own.
            dropped = config.search_drop_path
            flag = "search_drop_path" if dropped else "relaxation"
        raise ValueError(
            f"The strategy {strategy.name} brings its own `{argument}`, so "
            f"--{flag}={getattr(config, flag)} would have no effect: leave "
            f"--{flag} out."
        )
    return {**parts, **own}


_FLAGS = {
    "relaxation": "relaxation",
    "mixed_op": "mixed_op",
    "edge_normalization": "edge_normalization",
    "alpha_regularizer": "alpha_regularizer",
    "derive": "derivation",
    "perturbation": "perturbation",
    "alpha_average": "alpha_average",
}
"""The setting that chooses an argument."""


def _supernet_parts(config):
    from tfdarts.layers import relaxations

    parts = {}
    if not isinstance(config, GradientSettings):
        return parts
    match config.relaxation:
        case "sigmoid":
            parts["relaxation"] = relaxations.Sigmoid()
        case "concrete":
            parts["relaxation"] = relaxations.Concrete(config.temperature)
        case "straight_through":
            parts["relaxation"] = relaxations.StraightThrough(
                config.temperature
            )
        case "dirichlet":
            parts["relaxation"] = relaxations.Dirichlet()
    if isinstance(config, MixedOpSettings):
        parts |= _edge_parts(config)
    return parts


def _edge_parts(config):
    from tfdarts.layers.auxiliary_skip import AuxiliarySkipMixedOp
    from tfdarts.layers.chosen_mixed_op import ChosenMixedOp
    from tfdarts.layers.drop_path_mixed_op import DropPathMixedOp
    from tfdarts.layers.mixed_op import MixedOp
    from tfdarts.layers.mixed_op import mixed_op_config
    from tfdarts.layers.partial_mixed_op import PartialMixedOp
    from tfdarts.layers.skip_dropout import SkipDropoutMixedOp

    parts = {}
    match config.mixed_op:
        case "partial":
            parts["mixed_op"] = functools.partial(
                PartialMixedOp, channel_parts=config.channel_parts
            )
        case "auxiliary_skip":
            parts["mixed_op"] = AuxiliarySkipMixedOp
        case "skip_dropout":
            parts["mixed_op"] = SkipDropoutMixedOp
        case "all" if config.relaxation == "straight_through":
            parts["mixed_op"] = ChosenMixedOp
    if config.search_drop_path:
        dropped = parts.get("mixed_op", MixedOp)
        parts["mixed_op"] = functools.partial(
            DropPathMixedOp, mixed_op=mixed_op_config(dropped)
        )
    if config.edge_normalization:
        parts["edge_normalization"] = True
    return parts


def _search_parts(config):
    from tfdarts.strategies.gradient import derivations
    from tfdarts.strategies.gradient import perturbations
    from tfdarts.strategies.gradient import regularizers

    parts = {}
    if not isinstance(config, GradientSettings):
        return parts
    if config.alpha_average:
        parts["alpha_average"] = config.alpha_average
    match config.alpha_regularizer:
        case "beta":
            parts["alpha_regularizer"] = regularizers.Beta()
        case "zero_one":
            weight = config.zero_one_weight
            parts["alpha_regularizer"] = regularizers.ZeroOne(weight)
        case "kl":
            weight = config.kl_weight
            parts["alpha_regularizer"] = regularizers.KullbackLeibler(weight)
    match config.perturbation:
        case "random":
            parts["perturbation"] = perturbations.RandomPerturbation(
                config.perturbation_radius, config.seed
            )
        case "adversarial":
            parts["perturbation"] = perturbations.AdversarialPerturbation(
                config.perturbation_radius, config.seed
            )
    match config.derivation:
        case "all_edges":
            parts["derive"] = derivations.derive_all_edges
        case "threshold":
            parts["derive"] = functools.partial(
                derivations.derive_above, threshold=config.derivation_threshold
            )
        case "few_skips":
            parts["derive"] = functools.partial(
                derivations.derive_few_skips, most=config.most_skips
            )
    return parts


def derivation_space(config):
    """Returns the space of the genotypes that a search derives.

    Args:
        config: The settings of the search.
    """
    from tfdarts.strategies.gradient.derivations import keep_all_edges

    if config.derivation == "all_edges":
        return keep_all_edges(config.search_space)
    return config.search_space


def alpha_learning_rate(config, steps_per_epoch):
    """Returns the learning rate of alpha, a float or a Keras schedule.

    Args:
        config: The settings of the search.
        steps_per_epoch: Integer.
    """
    from tfdarts.training.schedules import EpochCosine

    rate = config.alpha_learning_rate
    if config.alpha_learning_rate_schedule == "constant":
        return rate
    # The optimizer of alpha counts no steps in the warm-up.
    epochs = max(config.epochs - config.alpha_warmup_epochs, 1)
    return EpochCosine(rate, 0.0, epochs, steps_per_epoch)


def optimizers(strategy, config, weight_optimizer, alpha_optimizer, alpha_rate):
    """Returns the optimizers of weights and alphas.

    Args:
        strategy: `SupernetStrategy`.
        config: The settings of the search.
        weight_optimizer, alpha_optimizer: The optimizers of DARTS.
        alpha_rate: The result of `alpha_learning_rate`.
    """
    if getattr(config, "alpha_optimizer", "adam") == "exponentiated":
        from tfdarts.training.exponentiated import ExponentiatedGradient

        alpha_optimizer = ExponentiatedGradient(alpha_rate)
    return strategy.optimizers(config, weight_optimizer, alpha_optimizer)


def stages(strategy, config):
    """Returns the `SearchStage`s of a search after its first stage, a list.

    Args:
        strategy: `SupernetStrategy`.
        config: The settings of the search.
    """
    found = []
    if isinstance(config, MixedOpSettings) and config.has_stages:
        found = _stages(config)
    if getattr(config, "derivation", None) == "perturbation":
        found.append(_projection_stage(config))
    return strategy.stages(config, found)


def _projection_stage(config):
    from tfdarts.strategies.gradient.projection import num_decisions

    decisions = num_decisions(config.search_space)
    changes = {
        "epochs": (decisions - 1) * config.decision_epochs + 1,
        "learning_rate": config.learning_rate / 10,
        "alpha_warmup_epochs": 0,
    }
    if getattr(config, "mixed_op", "all") == "skip_dropout":
        changes["skip_dropout"] = 0.0
    return SearchStage(
        changes, carry=carry_all, holds=True, callbacks=_projection
    )


def _projection(config, search, batches):
    from tfdarts.strategies.gradient.projection import Projection

    return [Projection(search, batches, config.decision_epochs, config.seed)]


def _stages(config):
    counts = numbers_of(config.stage_primitives)
    changes = [{} for _ in counts]
    for name, changed in OF_STAGES.items():
        for each, value in zip(changes, numbers_of(getattr(config, name))):
            each[changed] = value
    return [
        SearchStage(each, functools.partial(keep_strongest, count=count))
        for each, count in zip(changes, counts)
    ]


def callbacks(strategy, config, search):
    """Returns the callbacks of the parts and of the strategy, a list.

    Args:
        strategy: `SupernetStrategy`.
        config: The settings of the search.
        search: The search, compiled.
    """
    found = []
    if isinstance(config, GradientSettings):
        found = _callbacks(config, search)
    return [*found, *strategy.callbacks(config, search)]


def _callbacks(config, search):
    from tfdarts.layers.alphas import alphas_of
    from tfdarts.layers.auxiliary_skip import AuxiliarySkipMixedOp
    from tfdarts.layers.drop_path import DropPath
    from tfdarts.layers.nested import nested_layers
    from tfdarts.strategies.gradient.annealing import Anneal
    from tfdarts.strategies.gradient.cost_limits import AdaptLimits
    from tfdarts.strategies.gradient.fading_dropout import FadingDropout
    from tfdarts.strategies.gradient.greedy_decisions import GreedyDecisions

    found = []
    if getattr(search, "cost_limits", None) is not None:
        found.append(AdaptLimits(search))
    if config.relaxation in NOISY:
        temperatures = {
            id(alphas.relaxation): alphas.relaxation.temperature
            for alphas in alphas_of(search.supernet)
        }
        found += [
            Anneal(each.assign, config.temperature, config.last_temperature)
            for each in temperatures.values()
        ]
    if config.alpha_regularizer == "beta":
        set_weight = functools.partial(
            setattr, search.alpha_regularizer, "weight"
        )
        last = config.beta_growth * (config.epochs - 1)
        found.append(Anneal(set_weight, 0.0, last))
    if config.perturbation != "none":
        found.append(
            Anneal(
                functools.partial(setattr, search.perturbation, "radius"),
                config.perturbation_radius,
                config.last_perturbation_radius,
            )
        )
    if getattr(config, "mixed_op", "all") == "auxiliary_skip":
        found += [
            Anneal(each.skip_weight.assign, 1.0, 0.0)
            for each in nested_layers(search.supernet)
            if isinstance(each, AuxiliarySkipMixedOp)
        ]
    if getattr(config, "mixed_op", "all") == "skip_dropout":
        found.append(
            FadingDropout(
                search, config.skip_dropout, config.alpha_warmup_epochs
            )
        )
    if config.derivation == "greedy":
        found.append(GreedyDecisions(search, config.decision_history))
    if getattr(config, "search_drop_path", 0):
        found += [
            Anneal(each.rate.assign, 0.0, config.search_drop_path)
            for each in nested_layers(search.supernet)
            if isinstance(each, DropPath)
        ]
    return found
