"""The state of a layer, copied to its clone."""

import tempfile

from tfdarts.layers.nested import nested_layers


def is_fixed(layer):
    """Returns whether a layer has learned all it will ever learn.

    Such are frozen layers of a pretrained model and adapted preprocessing.
    """
    adapts = callable(getattr(layer, "adapt", None))
    return not layer.trainable_weights and (adapts or bool(layer.weights))


def copy_states(layer, clone, only_fixed):
    """Copies the state of a layer and of all layers inside it.

    Args:
        layer: Keras layer, built.
        clone: Keras layer of the same configuration, built.
        only_fixed: Boolean, whether layers that still learn keep new weights.
    """
    copy_trainable(layer, clone)
    for original, copy in _pairs(layer, clone):
        if not only_fixed or is_fixed(original):
            _copy_own_state(original, copy)


def copy_trainable(layer, clone):
    """Freezes the layers of a clone that are frozen in the original."""
    for original, copy in _pairs(layer, clone):
        copy.trainable = original.trainable


def _pairs(layer, clone):
    return zip(nested_layers(layer), nested_layers(clone), strict=True)


def _copy_own_state(layer, clone):
    """Copies what Keras saves of a layer without the layers inside it."""
    variables = {}
    layer.save_own_variables(variables)
    clone.load_own_variables(variables)
    if not hasattr(layer, "save_assets"):
        return
    with tempfile.TemporaryDirectory() as directory:  # Vocabularies.
        layer.save_assets(directory)
        clone.load_assets(directory)
