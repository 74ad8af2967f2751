"""The table of primitives, the operations that an edge may have.

The table is data. Strings name the functions that need TensorFlow, so that
they are imported only when the first layer is created.
"""

import pkgutil
import re
import typing
from collections.abc import Callable

from tfdarts.registry import Registry
from tfdarts.signatures import takes
from tfdarts.structures import STRUCTURES

BLUE, SKY, PALE = "#0B5FA5", "#4FA3E3", "#9CCBF2"
PURPLE, LILAC = "#7A2E9D", "#C084DC"
ORANGE, AMBER = "#BF4D00", "#F5A04A"
GREEN, PINK, GRAY, INK = "#00795A", "#A8255F", "#9E9E9E", "#263238"


IN_PAPER = "paper"
"""The value of a setting that selects the paper's primitives."""


class Primitive(typing.NamedTuple):
    """One entry of the table; see `register_primitive`.

    Args:
        layer: Function that returns the Keras layer of one edge; for a
            recurrent cell, the activation itself. `layer` and `bundle` may be
            strings, `"module:function"`.
        color: String, `"#RRGGBB"`.
        text_color: String, the color of the name, dark enough for white
            paper.
        bundle: Function that returns the layer of many edges in a search.
        options: Dict of further arguments of `layer` and `bundle`.
        spaces: Tuple of keys of `tfdarts.structures.STRUCTURES`, the cells
            that may use the primitive.
        in_paper: Boolean, whether the paper's search spaces contain the
            primitive.
        learns: Boolean, whether the primitive counts as learnable, as
            convolutions do, unlike poolings and skip connections.
    """

    layer: object
    color: str
    text_color: str
    bundle: object = None
    options: dict = {}
    spaces: tuple = ("cnn",)
    in_paper: bool = True
    learns: bool = True


_LAYERS = "tfdarts.layers.primitives"
_BUNDLES = "tfdarts.layers.bundles"
_SEPARABLE = "tfdarts.layers.separable_bundles"
_ALL_OF_IMAGES = "cnn", "nas_bench_201", "hierarchical"


def _pooling(kind, color, spaces=("cnn",), **options):
    return Primitive(
        f"{_LAYERS}:pooling",
        color,
        ORANGE,
        f"{_BUNDLES}:shared_by_all_edges",
        {"kind": kind, **options},
        spaces,
        in_paper=not options,
        learns=False,
    )


def _separable(kernel_size, color, in_paper=True):
    return Primitive(
        f"{_LAYERS}:sep_conv",
        color,
        BLUE,
        f"{_SEPARABLE}:SepConvBundle",
        {"kernel_size": kernel_size},
        in_paper=in_paper,
    )


def _dilated(kernel_size, color):
    return Primitive(
        f"{_LAYERS}:dil_conv",
        color,
        PURPLE,
        f"{_SEPARABLE}:dilated_bundle",
        {"kernel_size": kernel_size},
    )


def _convolution(kernel_size, color):
    return Primitive(
        f"{_LAYERS}:nor_conv",
        color,
        BLUE,
        options={"kernel_size": kernel_size},
        spaces=("cnn", "nas_bench_201"),
        in_paper=False,
    )


def _factorized(kernel_size):
    return Primitive(
        f"{_LAYERS}:conv_kx1_1xk",
        PINK,
        PINK,
        options={"kernel_size": kernel_size},
        in_paper=False,
    )


def _with_relu(kind, kernel_size, color):
    return Primitive(
        f"{_LAYERS}:conv_bn_relu",
        color,
        BLUE,
        options={"kind": kind, "kernel_size": kernel_size},
        spaces=("hierarchical",),
        in_paper=False,
    )


def _activation(function, color):
    return Primitive(
        f"tensorflow:{function}", color, color, spaces=("rnn",), learns=False
    )


_BUILT_IN = {
    "none": Primitive(
        f"{_LAYERS}:zero",
        GRAY,
        GRAY,
        f"{_BUNDLES}:shared_by_all_edges",
        spaces=("cnn", "rnn", "nas_bench_201", "hierarchical"),
        learns=False,
    ),
    "max_pool_3x3": _pooling("max", ORANGE, ("cnn", "hierarchical")),
    "avg_pool_3x3": _pooling("avg", AMBER, _ALL_OF_IMAGES),
    "skip_connect": Primitive(
        f"{_LAYERS}:skip",
        GREEN,
        GREEN,
        f"{_BUNDLES}:skip_bundle",
        spaces=_ALL_OF_IMAGES,
        learns=False,
    ),
    "sep_conv_3x3": _separable(3, BLUE),
    "sep_conv_5x5": _separable(5, SKY),
    "dil_conv_3x3": _dilated(3, PURPLE),
    "dil_conv_5x5": _dilated(5, LILAC),
    "sep_conv_7x7": _separable(7, PALE, in_paper=False),
    "conv_7x1_1x7": _factorized(7),
    "noise": Primitive(
        f"{_LAYERS}:noise", INK, INK, in_paper=False, learns=False
    ),
    "conv_3x1_1x3": _factorized(3),
    "max_pool_5x5": _pooling("max", ORANGE, repeats=2),
    "max_pool_7x7": _pooling("max", ORANGE, repeats=3),
    "nor_conv_1x1": _convolution(1, SKY),
    "nor_conv_3x3": _convolution(3, BLUE),
    "conv_bn_relu_1x1": _with_relu("full", 1, SKY),
    "depthwise_bn_relu_3x3": _with_relu("depthwise", 3, PALE),
    "separable_bn_relu_3x3": _with_relu("separable", 3, BLUE),
    "tanh": _activation("tanh", BLUE),
    "relu": _activation("nn.relu", ORANGE),
    "sigmoid": _activation("sigmoid", PURPLE),
    "identity": _activation("identity", GREEN),
}
_RESERVED = {*_BUILT_IN, IN_PAPER}

TABLE = Registry("primitive", "primitives", _BUILT_IN)


def register_primitive(
    name: str,
    layer: Callable | None = None,
    space: str = "cnn",
    bundle: Callable | None = None,
    color: str = INK,
    text_color: str | None = None,
    learns: bool = True,
    search: Callable | None = None,
    final: Callable | None = None,
) -> None:
    """Adds a primitive of your own to the table.

    Search spaces may then contain the primitive, and genotypes with it can be
    read, trained, drawn and exported. Register the primitive before you load a
    genotype, a run or a model that uses it.

    Args:
        name: String of letters, digits and underscores.
        layer: Function `layer(filters, strides, search, name, dtype)` that
            returns a Keras layer from `filters` channels to `filters`
            channels; with strides `2` it halves height and width, rounded
            up. `search` is true for layers of a search, where batch
            normalization has no scale and offset. For `space="rnn"`, an
            activation: a function of a tensor. Instead, give `search` and
            `final`.
        space: String, the structure of the cells that may use the primitive:
            `"cnn"`, `"rnn"`, `"nas_bench_201"` or `"hierarchical"`.
        bundle: Function `bundle(num_edges, filters, strides, name, dtype)`
            that returns a `tfdarts.Bundle`, which computes
            many edges of a search at once, or `None` if all edges share one
            layer without weights. By default each edge has its own layer.
        color: String `"#RRGGBB"`, the color in pictures.
        text_color: String `"#RRGGBB"`, the color of the name in pictures.
            Defaults to `color`.
        learns: Boolean, whether the primitive has trainable weights. A search
            with `early_stop="stable"` ranks only such primitives.
        search, final: Functions `(filters, strides, name, dtype)` that return
            the layer of a search and the layer of a network.

    Raises:
        ValueError: If an argument is invalid, or tfdarts reserves the name.

    Example:

    >>> def conv_1x1(filters, strides, search, name=None, dtype=None):
    ...     return keras.layers.Conv2D(
    ...         filters, 1, strides, name=name, dtype=dtype
    ...     )
    >>> tfdarts.register_primitive("conv_1x1", conv_1x1, color="#A8255F")
    >>> space = tfdarts.CNNSearchSpace(primitives=["none", "conv_1x1"])
    >>> space.sample(seed=0).normal[0]
    ('conv_1x1', 0)
    """
    text_color = text_color or color
    if not isinstance(name, str) or not re.fullmatch("[A-Za-z0-9_]+", name):
        raise ValueError(
            f"The name of a primitive must consist of letters, digits and "
            f"underscores. Received: {name!r}."
        )
    if name in _RESERVED:
        raise ValueError(
            f"{name} is a name of tfdarts' own primitives: choose another."
        )
    layer = _either(name, layer, search, final)
    if bundle and not callable(bundle):
        raise ValueError(
            f"`bundle` of the primitive {name} must be a function. "
            f"Received: {bundle!r}."
        )
    if space not in STRUCTURES:
        raise ValueError(
            f"`space` of the primitive {name} must be one of "
            f"{', '.join(STRUCTURES)}. Received: {space!r}."
        )
    if (bundle or search) and STRUCTURES[space].primitives != "layers":
        raise ValueError(
            f"The primitive {name} with space={space!r} is an activation, "
            f"which takes no bundle and has one form. Received: {bundle!r}."
        )
    functions = layer, bundle, search, final
    _require_arguments(name, STRUCTURES[space].primitives, *functions)
    for each in (color, text_color):
        if not re.fullmatch("#[0-9A-Fa-f]{6}", str(each)):
            raise ValueError(
                f"A color of the primitive {name} must be '#RRGGBB'. "
                f"Received: {each!r}."
            )
    TABLE[name] = Primitive(
        layer, color, text_color, bundle, {}, (space,), False, learns
    )


def _require_arguments(name, kind, layer, bundle, search, final):
    """Raises `ValueError` if a function takes other arguments."""
    named = {"name": None, "dtype": None}
    of_edges = {"num_edges": 1, "filters": 1, "strides": 1, **named}
    functions = {"layer(tensor)": (layer, (None,), {})}
    if kind == "layers":
        functions = {
            "layer(filters, strides, search, name, dtype)": (
                *(layer, (1, 1, True), named),
            ),
            "bundle(num_edges, filters, strides, name, dtype)": (
                *(bundle, (), of_edges),
            ),
            "search(filters, strides, name, dtype)": (search, (1, 1), named),
            "final(filters, strides, name, dtype)": (final, (1, 1), named),
        }
    for form, (function, given, options) in functions.items():
        if function and not takes(function, *given, **options):
            raise ValueError(
                f"A function of the primitive {name} must be `{form}`. "
                f"Received: {function!r}, which takes other arguments."
            )


def _either(name, layer, search, final):
    """Returns the function of `layer`, or one of `search` and `final`."""
    pair = search, final
    if callable(layer) and pair == (None, None):
        return layer
    if layer is not None or not all(map(callable, pair)):
        raise ValueError(
            f"The primitive {name} needs a function `layer`, or the functions "
            f"`search` and `final`. Received: layer={layer!r}, "
            f"search={search!r} and final={final!r}."
        )

    def layer_of_form(filters, strides, search, **kwargs):
        make = pair[0] if search else pair[1]
        return make(filters, strides, **kwargs)

    return layer_of_form


def primitive_names(space, in_paper=False):
    """Returns the names of all primitives of a kind of cell, as a tuple.

    Args:
        space: String, a key of `tfdarts.structures.STRUCTURES`.
        in_paper: Boolean, whether to return only the primitives of the
            paper's search spaces.

    Example:

    >>> primitive_names("rnn", in_paper=True)
    ('none', 'tanh', 'relu', 'sigmoid', 'identity')
    """
    # The paper's are asked for while modules of tfdarts are imported, which is
    # too early for plugins.
    entries = _BUILT_IN if in_paper else TABLE
    return tuple(
        name
        for name, entry in entries.items()
        if (entry.in_paper and space in entry.spaces)
        or (not in_paper and _may_have(space, entry))
    )


def names_of_edges(space, cell_type):
    """Returns what the edges of a cell may have, a tuple of names.

    The edges of a cell of motifs have motifs, those of others primitives.

    Args:
        space: String, a key of `tfdarts.structures.STRUCTURES`.
        cell_type: String, the name of the cell.

    Example:

    >>> names_of_edges("hierarchical", "cell_of_motifs")[:3]
    ('none', 'motif_1', 'motif_2')
    """
    motifs = STRUCTURES[space].motifs
    if not motifs or cell_type in motifs:
        return primitive_names(space)
    return ("none", *motifs)


def _may_have(space, entry):
    """Returns whether cells of a structure may have a primitive."""
    if space in entry.spaces:
        return True
    structure = STRUCTURES[space]
    return structure.all_primitives and structure.primitives in _kinds(entry)


def _kinds(entry):
    """Returns the kinds of structures that a primitive is registered for."""
    return {STRUCTURES[space].primitives for space in entry.spaces}


def require_primitives(names, space, argument="`primitives`"):
    """Raises `ValueError` if a search cannot choose from these primitives.

    Args:
        names: Sequence of strings.
        space: String, a key of `tfdarts.structures.STRUCTURES`.
        argument: String, the name of the argument in the error.
    """
    known = primitive_names(space)
    if (
        any(name not in known for name in names)
        or {*names} <= {"none"}
        or len({*names}) != len(names)
    ):
        raise ValueError(
            f"{argument} must be different names out of {', '.join(known)}, "
            f"and at least one besides 'none'. Received: {[*names]}."
        )


def primitive_entry(name, kind=None):
    """Returns the entry of a primitive.

    Args:
        name: String.
        kind: String, `"layers"` or `"activations"`, or `None` for either.

    Raises:
        ValueError: If no primitive of the kind has this name.
    """
    entry = TABLE.get(name)
    if entry is None or kind not in (None, *_kinds(entry)):
        raise ValueError(f"There is no primitive named {name!r}.")
    return entry


def as_function(function):
    """Returns a function or class, imported if given as a string."""
    if isinstance(function, str):
        return pkgutil.resolve_name(function)
    return function
