"""The convolutional network that a genotype describes."""

from collections.abc import Sequence

import keras

from tfdarts.arguments import scalar
from tfdarts.genotypes import Genotype
from tfdarts.genotypes import of_space
from tfdarts.layers.convolutions import FactorizedReduce
from tfdarts.layers.convolutions import ReLUConvBN
from tfdarts.layers.drop_path import DropPath
from tfdarts.layers.primitives import Zero
from tfdarts.layers.primitives import primitive
from tfdarts.models import skeleton
from tfdarts.models.quantized import quantize_layers
from tfdarts.models.quantized import quantized_layers
from tfdarts.models.stems import cifar_stem
from tfdarts.models.stems import imagenet_stem
from tfdarts.models.stems import stem_for


@keras.saving.register_keras_serializable(package="tfdarts")
class CNNNetwork(keras.Model):
    """A functional Keras model of a genotype's cells, which returns logits.

    Args:
        genotype: `Genotype` of convolutional cells, the dict that its
            `to_dict` returns, or a published name such as `"DARTS_V2"`.
        init_channels: Integer, channels of the first cell.
        num_cells: Integer, at least `3`.
        num_classes: Integer.
        input_shape: Tuple `(height, width, channels)`.
        stem_multiplier: Integer. The stem of CIFAR has `stem_multiplier *
            init_channels` channels. Defaults to `3`.
        search: Boolean, whether to use the primitives of a search, with batch
            normalization after pooling and without trainable scale and
            offset. The network then equals the supernet without all other
            primitives. Defaults to `False`.
        drop_path: Boolean, whether the output of each operation except
            identity goes through one shared `DropPath` layer, the attribute
            `drop_path`. The rate is zero until you assign another one.
            Defaults to `False`.
        stem: `"cifar"`, a 3x3 convolution; `"imagenet"`, three 3x3
            convolutions of stride 2; or `"auto"`, which is `"imagenet"` for
            images of at least 128 pixels a side. Defaults to `"auto"`.
        channel_multiplier: Number of at least `1`, the factor of the channels
            at each reduction cell; the products are rounded. Defaults to `2`.
        name: String.
        dtype: Dtype or `keras.DTypePolicy` of all layers. Defaults to Keras'
            global policy.

    The attribute `two_thirds` is the symbolic output of the second reduction
    cell, the input of an auxiliary head. The attribute `stem` is never
    `"auto"`.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        2D tensor `(batch, num_classes)`.

    Example:

    >>> network = CNNNetwork(
    ...     tfdarts.genotypes.get("DARTS_V2"),
    ...     init_channels=4,
    ...     num_cells=3,
    ...     num_classes=10,
    ...     input_shape=(32, 32, 3),
    ... )
    >>> sum(int(keras.ops.size(w)) for w in network.trainable_weights)
    2858

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), section 3.1.2
    """

    structure = "cnn"

    def __init__(
        self,
        genotype: Genotype | str,
        init_channels: int,
        num_cells: int,
        num_classes: int,
        input_shape: Sequence[int],
        stem_multiplier: int = 3,
        search: bool = False,
        drop_path: bool = False,
        stem: str = "auto",
        channel_multiplier: float = 2,
        name: str = "cnn_network",
        dtype: str | keras.DTypePolicy | None = None,
    ):
        genotype = of_space(genotype, self.structure)
        image_shape = skeleton.validate_image_shape(input_shape)
        num_classes = skeleton.validate_num_classes(num_classes)
        init_channels, num_cells, stem_multiplier, channel_multiplier = map(
            scalar,
            (init_channels, num_cells, stem_multiplier, channel_multiplier),
        )
        stem = stem_for(image_shape, stem)
        dtype = keras.dtype_policies.get(dtype)
        inputs = keras.Input(
            image_shape, dtype=dtype.variable_dtype, name="images"
        )
        dropping = (
            DropPath(name="drop_path", dtype=dtype) if drop_path else None
        )
        if stem == "imagenet":
            older, newer = imagenet_stem(inputs, init_channels, dtype)
        else:
            filters = stem_multiplier * init_channels
            older, newer = cifar_stem(inputs, filters, dtype)
        strides = 8 if stem == "imagenet" else 1
        for position, plan in enumerate(
            skeleton.stack_of_cells(
                init_channels,
                num_cells,
                after_reduction=stem == "imagenet",
                channel_multiplier=channel_multiplier,
            )
        ):
            cell = f"cell{position}"
            strides *= 2 if plan.reduction else 1
            # Made from the images, zeros need no weights.
            zeros = Zero(
                strides, plan.filters, name=f"{cell}_zeros", dtype=dtype
            )(inputs)
            output = self._add_cell(
                genotype,
                plan,
                older,
                newer,
                zeros=zeros,
                name=cell,
                search=search,
                drop_path=dropping,
                dtype=dtype,
            )
            older, newer = newer, output
            if position == 2 * num_cells // 3:
                two_thirds = output
        pooled = keras.layers.GlobalAveragePooling2D(
            data_format="channels_last", name="pooling", dtype=dtype
        )(self._add_top(newer, dtype))
        logits = skeleton.classifier(
            pooled.shape[-1],
            num_classes,
            name="classifier",
            dtype=dtype.variable_dtype,
        )(pooled)
        super().__init__(inputs, logits, name=name)
        self.dtype_policy = dtype

        self.genotype = genotype
        self.init_channels = init_channels
        self.num_cells = num_cells
        self.num_classes = num_classes
        self.image_shape = image_shape
        self.stem_multiplier = stem_multiplier
        self.search = search
        self.drop_path = dropping
        self.stem = stem
        self.channel_multiplier = channel_multiplier
        self.two_thirds = two_thirds

    @staticmethod
    def cell_of(genotype, plan):
        """Returns the `Cell` of a genotype for a plan, or `None`."""
        return genotype.cells["reduce" if plan.reduction else "normal"]

    @staticmethod
    def _add_cell(genotype, plan, older, newer, zeros, name, **form):
        """Returns the symbolic output of a cell; see `add_nodes`."""
        cell = CNNNetwork.cell_of(genotype, plan)
        preprocess_older = (
            FactorizedReduce if plan.after_reduction else ReLUConvBN
        )
        dtype = form["dtype"]
        options = {"affine": not form["search"], "dtype": dtype}
        inputs = [
            preprocess_older(plan.filters, name=f"{name}_older", **options)(
                older
            ),
            ReLUConvBN(plan.filters, name=f"{name}_newer", **options)(newer),
        ]
        strides = 2 if plan.reduction else 1
        nodes = add_nodes(
            cell, inputs, zeros, plan.filters, strides, name, **form
        )
        return _merge(
            keras.layers.Concatenate,
            [nodes[node] for node in cell.concat],
            f"{name}_output",
            dtype,
        )

    @staticmethod
    def _add_top(outputs, dtype):
        """Returns the symbolic input of the pooling."""
        return outputs

    def get_config(self):
        return {
            "genotype": self.genotype.to_dict(),
            "init_channels": self.init_channels,
            "num_cells": self.num_cells,
            "num_classes": self.num_classes,
            "input_shape": self.image_shape,
            "stem_multiplier": self.stem_multiplier,
            "search": self.search,
            "drop_path": self.drop_path is not None,
            "stem": self.stem,
            "channel_multiplier": self.channel_multiplier,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            **quantized_layers(self),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        quantized = config.pop("quantized_layers", {})
        return quantize_layers(cls(**config), quantized)


def add_nodes(
    cell, inputs, zeros, filters, strides, name, search, drop_path, dtype
):
    """Returns the nodes of a cell, a list of symbolic tensors.

    Args:
        cell: `tfdarts.cells.Cell`.
        inputs: List of the symbolic inputs, the first nodes.
        zeros: Symbolic tensor, a node without operation.
        filters: Integer, channels of each node.
        strides: Integer, the strides of the edges out of inputs.
        name: String, the beginning of the names of layers.
        search: Boolean, whether to use the primitives of a search.
        drop_path: `DropPath` layer, or `None`.
        dtype: `keras.DTypePolicy`.
    """
    nodes = [*inputs]
    for node, edges in named_edges(cell, len(inputs), name).items():
        outputs = []
        for layer_name, (operation, source) in edges.items():
            layer = primitive(
                operation,
                filters,
                strides=strides if source < len(inputs) else 1,
                search=search,
                name=layer_name,
                dtype=dtype,
            )
            output = layer(nodes[source])
            if drop_path and not isinstance(layer, keras.layers.Identity):
                output = drop_path(output)
            outputs.append(output)
        nodes.append(
            _merge(keras.layers.Add, outputs, f"{name}_node{node}", dtype)
            if outputs
            else zeros
        )
    return nodes


def named_edges(cell, num_inputs, name):
    """Returns the edges of each node that have a layer, by its name.

    Args:
        cell: `tfdarts.cells.Cell`.
        num_inputs: Integer, the number of input nodes.
        name: String, the beginning of the names of layers.

    Returns:
        Dict from nodes to dicts from names to edges.
    """
    layered = {
        node: [edge for edge in edges if edge[0] != "none"]
        for node, edges in enumerate(cell.nodes, num_inputs)
    }
    return {
        node: {
            f"{name}_node{node}_{position}_{edge[0]}": edge
            for position, edge in enumerate(edges)
        }
        for node, edges in layered.items()
    }


def _merge(layer, outputs, name, dtype):
    """Returns outputs merged by a layer, or the only output."""
    if len(outputs) == 1:
        return outputs[0]
    return layer(name=name, dtype=dtype)(outputs)
