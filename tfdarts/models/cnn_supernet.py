"""The convolutional supernet, which contains every network of the space."""

from collections.abc import Sequence

import keras

from tfdarts.arguments import scalar
from tfdarts.genotypes import PRIMITIVES
from tfdarts.layers import relaxations
from tfdarts.layers.alphas import Alphas
from tfdarts.layers.alphas import shift_edge_weights
from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.convolutions import conv
from tfdarts.layers.mixed_op import MixedOp
from tfdarts.layers.mixed_op import as_mixed_op
from tfdarts.layers.mixed_op import mixed_op_config
from tfdarts.layers.recompute import call_and_recompute
from tfdarts.layers.relaxations import Relaxation
from tfdarts.layers.search_cell import SearchCell
from tfdarts.models import skeleton
from tfdarts.models.quantized import quantize_layers
from tfdarts.models.quantized import quantized_layers
from tfdarts.models.stems import imagenet_stem
from tfdarts.models.stems import stem_for
from tfdarts.models.supernet import Supernet
from tfdarts.search_spaces.cell_space import CellSearchSpace
from tfdarts.search_spaces.cnn import CNNSearchSpace
from tfdarts.search_spaces.space_registry import as_space


@keras.saving.register_keras_serializable(package="tfdarts")
class CNNSupernet(Supernet, keras.Model):
    """A stack of search cells with shared alphas, which returns logits.

    All cells of one type share one set of alphas.

    Args:
        init_channels: Integer, channels of the first cell.
        num_cells: Integer, at least `3`.
        num_classes: Integer.
        input_shape: Tuple `(height, width, channels)`.
        num_nodes: Integer, intermediate nodes of a cell. Defaults to `4`.
        stem_multiplier: Integer. The stem of CIFAR has `stem_multiplier *
            init_channels` channels. Defaults to `3`.
        primitives: Sequence of primitive names. Defaults to the eight of the
            paper.
        recompute: Boolean, whether the gradient recomputes the activations
            of each cell instead of keeping them: less memory, more time.
            Defaults to `False`.
        stem: The layers before the first cell, as in `CNNNetwork`:
            `"cifar"`, `"imagenet"` or `"auto"`. Defaults to `"auto"`.
        relaxation: `tfdarts.Relaxation`, how alphas become weights, or its
            name: `"softmax"` or `"concrete"`. Defaults to `"softmax"`.
        mixed_op: Class of layers like `MixedOp`, its registered name, or a
            `functools.partial` of the class and some of its arguments. To
            save the supernet, register the class with Keras. Defaults to
            `MixedOp`.
        edge_normalization: Boolean, whether the weights of each edge are
            multiplied by a softmax over the edges into the same node; see
            `Alphas`. Defaults to `False`.
        space: Search space of convolutional cells, or the dict that its
            `get_config` returns; then `num_nodes` and `primitives` are those
            of the space. Defaults to the paper's.

    The attribute `stem` is never `"auto"`.

    Input shape:
        4D tensor `(batch, height, width, channels)`.

    Output shape:
        2D tensor `(batch, num_classes)`.

    Example:

    >>> supernet = CNNSupernet(2, 3, num_classes=10, input_shape=(8, 8, 1))
    >>> supernet(keras.ops.ones((1, 8, 8, 1))).shape
    TensorShape([1, 10])

    Reference:

    - [Liu et al., 2019](https://arxiv.org/abs/1806.09055), sections 2.1, 3.1
    """

    def __init__(
        self,
        init_channels: int,
        num_cells: int,
        num_classes: int,
        input_shape: Sequence[int],
        num_nodes: int = 4,
        stem_multiplier: int = 3,
        primitives: Sequence[str] = PRIMITIVES,
        recompute: bool = False,
        stem: str = "auto",
        relaxation: str | Relaxation = "softmax",
        mixed_op: type[MixedOp] = MixedOp,
        edge_normalization: bool = False,
        space: CellSearchSpace | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        image_shape = skeleton.validate_image_shape(input_shape)
        num_classes = skeleton.validate_num_classes(num_classes)
        init_channels, num_cells, num_nodes, stem_multiplier = map(
            scalar, (init_channels, num_cells, num_nodes, stem_multiplier)
        )
        self.stem = stem_for(image_shape, stem)
        plans = skeleton.stack_of_cells(
            init_channels, num_cells, after_reduction=self.stem == "imagenet"
        )
        self.init_channels = init_channels
        self.num_cells = num_cells
        self.num_classes = num_classes
        self.image_shape = image_shape
        self.stem_multiplier = stem_multiplier
        self.recompute = recompute
        self.space = as_space(space) or CNNSearchSpace(num_nodes, primitives)
        self.space.require_supernet()
        self.num_nodes = self.space.num_nodes
        self.primitives = self.space.primitives
        dtype = self.dtype_policy
        self.relaxation = relaxations.get(relaxation)
        self.mixed_op = as_mixed_op(mixed_op)
        self.edge_normalization = edge_normalization
        nodes = [node for node, _ in self.space.edges]
        for cell_type in self.space.cell_types:
            alphas = Alphas(
                *self.space.alpha_shape,
                relaxation=self.relaxation,
                mask=self.space.mask(cell_type),
                edge_groups=nodes if edge_normalization else None,
                name=cell_type,
                dtype=dtype,
            )
            setattr(self, f"{cell_type}_alphas", alphas)
        if self.stem == "imagenet":
            images = keras.Input(image_shape, dtype=dtype.variable_dtype)
            self.reducing_stem = keras.Model(
                images, imagenet_stem(images, init_channels, dtype)
            )
        else:
            filters = stem_multiplier * init_channels
            self.stem_conv = conv(filters, 3, dtype=dtype)
            self.stem_norm = BatchNorm(dtype=dtype)
        self.cells = [
            self._make_cell(plan, name=f"cell{position}", dtype=dtype)
            for position, plan in enumerate(plans)
        ]
        self.pooling = keras.layers.GlobalAveragePooling2D(
            data_format="channels_last", dtype=dtype
        )
        self.classifier = skeleton.classifier(
            len(self.space.concat) * plans[-1].filters,
            num_classes,
            dtype=dtype.variable_dtype,
        )
        self.build((None, *self.image_shape))

    def _make_cell(self, plan, **kwargs):
        """Returns the layer of a `skeleton.CellPlan`."""
        return SearchCell(
            *plan, space=self.space, mixed_op=self.mixed_op, **kwargs
        )

    def _inputs_of(self, cell, older, newer, edge_weights):
        """Returns the inputs of a cell, or their shapes.

        Args:
            cell: The result of `_make_cell`.
            older: Output of the cell before the previous one, or its shape.
            newer: Output of the previous cell, or its shape.
            edge_weights: Edge weights of the cell, or their shape; `None` for
                a cell that is not searched.
        """
        return older, newer, edge_weights

    def cell_type_of(self, cell):
        """Returns the type of a cell; `None` if the cell is not searched."""
        return "reduce" if cell.reduction else "normal"

    @property
    def searched_cells(self):
        """The cells that have alphas, a list."""
        return [cell for cell in self.cells if self.cell_type_of(cell)]

    @property
    def alphas(self):
        """The `Alphas` layer of each cell type, a dict."""
        return {
            cell_type: getattr(self, f"{cell_type}_alphas")
            for cell_type in self.space.cell_types
        }

    def build(self, input_shape):
        if self.built:
            return
        if self.stem == "imagenet":
            older, newer = self.reducing_stem.compute_output_shape(input_shape)
        else:
            self.stem_conv.build(input_shape)
            older = newer = self.stem_conv.compute_output_shape(input_shape)
            self.stem_norm.build(newer)
        for cell in self.cells:
            inputs = self._inputs_of(cell, older, newer, self.space.alpha_shape)
            cell.build(*inputs)
            older, newer = newer, cell.compute_output_shape(*inputs)
        self.pooling.build(newer)
        self.classifier.build((None, newer[-1]))
        self.built = True

    def call(self, inputs, training=None):
        of_types = {
            cell_type: alphas.edge_weights(training)
            for cell_type, alphas in self.alphas.items()
        }
        of_cells = shift_edge_weights(
            [of_types[self.cell_type_of(cell)] for cell in self.searched_cells]
        )
        edge_weights = dict(zip(map(id, self.searched_cells), of_cells))
        older, newer = self._stem_outputs(inputs, training)
        for cell in self.cells:
            inputs = self._inputs_of(
                cell, older, newer, edge_weights.get(id(cell))
            )
            outputs = self._output_of(cell, *inputs, training=training)
            older, newer = newer, outputs
        return self._logits(newer, training)

    def _logits(self, outputs, training):
        """Returns the logits of the outputs of the last cell."""
        return self.classifier(self.pooling(outputs))

    def _stem_outputs(self, inputs, training):
        """Returns both inputs of the first cell."""
        if self.stem == "imagenet":
            return self.reducing_stem(inputs, training=training)
        outputs = self.stem_norm(self.stem_conv(inputs), training=training)
        return outputs, outputs

    def _output_of(self, cell, *inputs, training):
        if self.recompute and training:
            return call_and_recompute(cell, *inputs)
        return cell(*inputs, training=training)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_classes)

    def get_config(self):
        return {
            "init_channels": self.init_channels,
            "num_cells": self.num_cells,
            "num_classes": self.num_classes,
            "input_shape": self.image_shape,
            "stem_multiplier": self.stem_multiplier,
            "space": self.space.get_config(),
            "recompute": self.recompute,
            "stem": self.stem,
            "relaxation": keras.saving.serialize_keras_object(self.relaxation),
            "mixed_op": mixed_op_config(self.mixed_op),
            "edge_normalization": self.edge_normalization,
            "name": self.name,
            "dtype": keras.dtype_policies.serialize(self.dtype_policy),
            **quantized_layers(self),
        }

    @classmethod
    def from_config(cls, config):
        # Version 0.1.0 had only the stem of CIFAR.
        config = {"stem": "cifar", **config}
        quantized = config.pop("quantized_layers", {})
        return quantize_layers(cls(**config), quantized)
