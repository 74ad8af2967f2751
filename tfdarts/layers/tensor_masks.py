"""The masks that Keras attaches to tensors."""

import keras


def mask_of(tensor):
    """Returns the mask of a tensor, or `None`."""
    return getattr(tensor, "_keras_mask", None)


def masks_of(structure):
    """Returns the masks of all tensors in a structure, a list of pairs."""
    tensors = [t for t in keras.tree.flatten(structure) if hasattr(t, "shape")]
    return [(tensor, mask_of(tensor)) for tensor in tensors]


def set_masks(pairs):
    """Attaches masks again, which some layers remove while they compute."""
    for tensor, mask in pairs:
        if mask_of(tensor) is not mask:
            tensor._keras_mask = mask


def are_same(masks, inherited):
    """Returns whether options have the same mask, as far as can be told.

    Options agree if none has a mask, if all have the same mask of an input, or
    if all make a mask of their own from the same inputs.

    Args:
        masks: List of masks or `None`, one for each option.
        inherited: List of masks or `None`, those of the inputs.
    """
    known = {id(mask) for mask in [None, *inherited]}
    return len({id(m) if id(m) in known else "own" for m in masks}) == 1
