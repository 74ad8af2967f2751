"""Finding one cell in one way: the searches of the study of found cells."""

import equal_networks
import found_cells_ways as ways


def find_cell(study, name, seed, plan, run_dir):
    """Returns the genotype that a way finds, and what it did, a dict.

    Args:
        study: `found_cells_ways.Study`.
        name: String, one of `found_cells_ways.WAYS`.
        seed: Integer.
        plan: Dict of the planned counts.
        run_dir: Path.
    """
    import tfdarts

    if name in ways.PUBLISHED:
        return tfdarts.genotypes.get(ways.PUBLISHED[name]), {}
    if name == "random":
        return _draw(ways.FIRST_RANDOM + seed), {}
    if name == "most_parameters":
        return _find_largest(seed)
    if name in ways.TRAINED:
        config = ways.candidate_config(
            study, ways.TRAINED[name], seed, run_dir, plan["candidates"]
        )
        return tfdarts.search(config), plan
    return _search_and_choose(study, ways.GRADIENT[name], seed, plan, run_dir)


def _draw(seed):
    from tfdarts import CNNSearchSpace

    return CNNSearchSpace().sample(seed)


def _find_largest(seed):
    first = ways.FIRST_RANDOM + 10**6 + ways.MOST_OF * seed
    drawn = [_draw(first + n) for n in range(ways.MOST_OF)]
    sizes = [equal_networks.counter(each)(8) for each in drawn]
    return drawn[sizes.index(max(sizes))], {"drawn": len(drawn)}


def search_all(study, way, seed, plan, run_dir):
    """Searches by gradient descent; returns the paths of the runs, a list.

    Args:
        study, seed, plan, run_dir: See `find_cell`.
        way: `found_cells_ways.Gradient`.
    """
    import tfdarts

    paths = [run_dir / f"search{number}" for number in range(way.searches)]
    for number, path in enumerate(paths):
        config = ways.gradient_config(
            study,
            way,
            seed + number * ways.OF_SEARCH,
            path,
            plan["epochs"],
            plan["warmup"],
        )
        tfdarts.search(config)
    return paths


def _search_and_choose(study, way, seed, plan, run_dir):
    from tfdarts import Genotype

    paths = search_all(study, way, seed, plan, run_dir)
    if not way.candidates:
        return Genotype.load(paths[0] / "genotype.json"), plan
    tried = []
    for path in paths:
        directory = path / "search" / "genotypes"
        count = len([*directory.glob("epoch_*.json")])
        files = [directory / f"epoch_{n + 1}.json" for n in range(count)]
        epochs = ways.epochs_to_try(
            [Genotype.load(file) for file in files],
            plan["warmup"] + 1,
            way.candidates // way.searches,
        )
        tried += [str(files[epoch - 1]) for epoch in epochs]
    return _choose(study, seed, tried, run_dir), plan


def _choose(study, seed, tried, run_dir):
    """Returns the best of some genotypes on validation images."""
    import tfdarts
    from tfdarts import Genotype

    if len({Genotype.load(each) for each in tried}) == 1:
        return Genotype.load(tried[0])
    data = ways.images_of_search(study)
    tfdarts.select(
        tfdarts.SelectConfig(
            run_dirs=tried,
            dataset=data,
            run_dir=str(run_dir / "selection"),
            seed=seed,
            validation_portion=0.0,
            **(equal_networks.BRIEF | study.changes.get("brief", {})),
        )
    )
    return Genotype.load(run_dir / "selection" / "genotype.json")
