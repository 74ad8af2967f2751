"""What a model with choices would choose now."""

import keras

from tfdarts.layers.choice import Choice
from tfdarts.layers.input_choice import InputChoice
from tfdarts.layers.nested import nested_layers


def choices_of(model: keras.Model) -> dict[str, dict]:
    """Returns what a model would choose now.

    Args:
        model: Keras model with choices.

    Returns:
        Dict by the names of the choices. Each value is a dict that can be
        written as JSON: `chosen`, a string, or a list of strings if several
        inputs are chosen, and `probabilities` of all options.

    Example:

    >>> inputs = keras.Input((3,))
    >>> choice = tfdarts.LayerChoice.of_sizes(
    ...     keras.layers.Dense, (2, 4), name="width"
    ... )
    >>> model = keras.Model(inputs, choice(inputs))
    >>> _ = choice.alphas.alpha.assign([[0.0, 2.0]])
    >>> choices_of(model)["width"]["chosen"]
    '4'
    """
    require_model(model)
    return {
        name: _description(choice)
        for name, choice in choices_by_name(model).items()
    }


def choices_by_name(model: keras.Model) -> dict[str, Choice]:
    """Returns the choices of a model by their names.

    Raises:
        ValueError: If two choices have the same name.
    """
    found = {}
    for layer in nested_layers(model):
        if isinstance(layer, Choice):
            if layer.name in found:
                raise ValueError(
                    f"Two choices have the name {layer.name!r}. Give each "
                    "choice of a model a name of its own."
                )
            found[layer.name] = layer
    return found


def require_model(model):
    """Raises `ValueError` if an argument is no Keras model."""
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"Choices are those of a Keras model. Received: {model!r}."
        )


def _description(choice):
    probabilities = choice.probabilities().tolist()
    chosen = choice.options[choice.chosen]
    if isinstance(choice, InputChoice) and choice.num_chosen > 1:
        chosen = [choice.options[i] for i in choice.chosen_inputs]
    return {
        "chosen": chosen,
        "probabilities": dict(zip(choice.options, probabilities)),
    }
