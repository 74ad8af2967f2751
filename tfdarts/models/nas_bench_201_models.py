"""The supernet and the networks of NAS-Bench-201."""

import keras

from tfdarts.layers.batch_norm import BatchNorm
from tfdarts.layers.nas_bench_201_layers import NASBench201SearchCell
from tfdarts.layers.nas_bench_201_layers import ResidualReduction
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.cnn_network import add_nodes
from tfdarts.models.cnn_supernet import CNNSupernet
from tfdarts.search_spaces.nas_bench_201 import NASBench201SearchSpace


@keras.saving.register_keras_serializable(package="tfdarts")
class NASBench201Supernet(CNNSupernet):
    """The supernet of NAS-Bench-201.

    Three stages of search cells share one set of alphas. A residual block of
    stride 2 stands between two stages.

    Args:
        init_channels: Integer, channels of the first stage. `16` in the
            paper.
        num_cells: Integer, the cells and the two residual blocks. `17` in the
            paper.
        num_classes: Integer.
        input_shape: Tuple `(height, width, channels)`.
        stem_multiplier: Integer. Defaults to `1`.
        space: Search space. Defaults to `NASBench201SearchSpace()`.
        **kwargs: See `CNNSupernet`.

    Example:

    >>> supernet = NASBench201Supernet(2, 3, 10, input_shape=(8, 8, 1))
    >>> supernet(keras.ops.ones((1, 8, 8, 1))).shape
    TensorShape([1, 10])

    Reference:

    - [Dong and Yang, 2020](https://arxiv.org/abs/2001.00326), section 2.1
    """

    def __init__(
        self,
        init_channels,
        num_cells,
        num_classes,
        input_shape,
        stem_multiplier=1,
        space=None,
        **kwargs,
    ):
        super().__init__(
            init_channels,
            num_cells,
            num_classes,
            input_shape,
            stem_multiplier=stem_multiplier,
            space=space or NASBench201SearchSpace(),
            **kwargs,
        )

    def _make_cell(self, plan, **kwargs):
        if plan.reduction:
            return ResidualReduction(plan.filters, **kwargs)
        return NASBench201SearchCell(
            plan.filters, self.mixed_op, self.space, **kwargs
        )

    def _inputs_of(self, cell, older, newer, edge_weights):
        if self.cell_type_of(cell) is None:
            return (newer,)
        return newer, edge_weights

    def cell_type_of(self, cell):
        if isinstance(cell, ResidualReduction):
            return None
        (cell_type,) = self.space.cell_types
        return cell_type

    def build(self, input_shape):
        if not self.built:
            filters = self.cells[-1].filters
            self.last_norm = BatchNorm(
                name="last_norm", dtype=self.dtype_policy
            )
            self.last_norm.build((None, None, None, filters))
        super().build(input_shape)

    def _logits(self, outputs, training):
        outputs = self.last_norm(outputs, training=training)
        return super()._logits(keras.ops.relu(outputs), training)


@keras.saving.register_keras_serializable(package="tfdarts")
class NASBench201Network(CNNNetwork):
    """The network of a cell of NAS-Bench-201.

    The network leaves out operations whose result does not reach the output,
    which the parameters in the paper's table include.

    Args:
        genotype: `Genotype` of a cell of NAS-Bench-201, or the dict that its
            `to_dict` returns.
        init_channels: Integer, channels of the first stage. `16` in the
            paper.
        num_cells: Integer, the cells and the two residual blocks. `17` in the
            paper.
        num_classes: Integer.
        input_shape: Tuple `(height, width, channels)`.
        stem_multiplier: Integer. Defaults to `1`.
        **kwargs: See `CNNNetwork`.

    Example:

    >>> genotype = NASBench201SearchSpace().sample(seed=0)
    >>> network = NASBench201Network(genotype, 2, 3, 10, (8, 8, 1))
    >>> network(keras.ops.ones((1, 8, 8, 1))).shape
    TensorShape([1, 10])

    Reference:

    - [Dong and Yang, 2020](https://arxiv.org/abs/2001.00326), section 2.1
    """

    structure = "nas_bench_201"

    def __init__(
        self,
        genotype,
        init_channels,
        num_cells,
        num_classes,
        input_shape,
        stem_multiplier=1,
        name="nas_bench_201_network",
        **kwargs,
    ):
        super().__init__(
            genotype,
            init_channels,
            num_cells,
            num_classes,
            input_shape,
            stem_multiplier=stem_multiplier,
            name=name,
            **kwargs,
        )

    @staticmethod
    def cell_of(genotype, plan):
        """See `CNNNetwork.cell_of`: reductions are no cells."""
        (cell,) = genotype.cells.values()
        return None if plan.reduction else cell

    @staticmethod
    def _add_cell(genotype, plan, older, newer, zeros, name, **form):
        if plan.reduction:
            block = ResidualReduction(
                plan.filters, name=name, dtype=form["dtype"]
            )
            return block(newer)
        cell = NASBench201Network.cell_of(genotype, plan)
        nodes = add_nodes(cell, [newer], zeros, plan.filters, 1, name, **form)
        return nodes[cell.concat[-1]]

    @staticmethod
    def _add_top(outputs, dtype):
        outputs = BatchNorm(name="last_norm", dtype=dtype)(outputs)
        return keras.layers.ReLU(name="last_relu", dtype=dtype)(outputs)
