"""The networks of cells of motifs."""

import keras

from tfdarts.layers.conv_bn_relu import ConvBNReLU
from tfdarts.layers.primitives import primitive
from tfdarts.models.cnn_network import CNNNetwork


@keras.saving.register_keras_serializable(package="tfdarts")
class HierarchicalNetwork(CNNNetwork):
    """The network of a cell of motifs.

    A node of a motif or of the cell joins its edges by concatenation and a 1x1
    convolution, so all nodes have the same channels. A 3x3 separable
    convolution stands between two cells. Where the cell plan of `CNNNetwork`
    has a reduction cell, this convolution has stride 2 and multiplies the
    channels. An edge that nothing reaches carries nothing, as one with
    `"none"`.

    Args:
        genotype: `Genotype` of a cell of motifs, or the dict that its
            `to_dict` returns.
        init_channels: Integer, channels of the first stage. `16` in the
            searches of the paper.
        num_cells: Integer, the cells and the two reductions. `5` in the
            searches of the paper, `8` in its final networks.
        num_classes: Integer.
        input_shape: Tuple `(height, width, channels)`.
        stem_multiplier: Integer. Defaults to `1`.
        **kwargs: See `CNNNetwork`.

    Example:

    >>> from tfdarts.search_spaces.hierarchical import HierarchicalSearchSpace
    >>> genotype = HierarchicalSearchSpace().sample(seed=0)
    >>> network = HierarchicalNetwork(genotype, 2, 3, 10, (8, 8, 1))
    >>> network(keras.ops.ones((1, 8, 8, 1))).shape
    TensorShape([1, 10])

    Reference:

    - [Liu et al., 2018](https://arxiv.org/abs/1711.00436), sections 2 and 4.1
    """

    structure = "hierarchical"

    def __init__(
        self,
        genotype,
        init_channels,
        num_cells,
        num_classes,
        input_shape,
        stem_multiplier=1,
        name="hierarchical_network",
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
        """See `CNNNetwork.cell_of`: the names of layers say their places."""
        return None

    @staticmethod
    def _add_cell(genotype, plan, older, newer, zeros, name, **form):
        options = {"affine": not form["search"], "dtype": form["dtype"]}
        if plan.reduction:
            return ConvBNReLU(
                plan.filters, 3, "separable", strides=2, name=name, **options
            )(newer)
        # The first cell reads the stem, and its two inputs are the same.
        is_first = older is newer and newer.shape[-1] == plan.filters
        if not (is_first or plan.after_reduction):
            newer = ConvBNReLU(
                plan.filters, 3, "separable", name=f"{name}_input", **options
            )(newer)
        graphs = _Graphs(genotype, plan.filters, **form)
        *_, cell_type = genotype.cells
        output = graphs.add(cell_type, newer, name)
        return zeros if output is None else output


class _Graphs:
    """Adds the graphs of a genotype to a functional model.

    Args:
        genotype: `Genotype` of a cell of motifs.
        filters: Integer, channels of each node.
        search: Boolean, whether to use the primitives of a search.
        drop_path: `DropPath` layer, or `None`.
        dtype: `keras.DTypePolicy`.
    """

    def __init__(self, genotype, filters, search, drop_path, dtype):
        self.genotype = genotype
        self.filters = filters
        self.search = search
        self.drop_path = drop_path
        self.dtype = dtype

    def add(self, cell_type, inputs, name):
        """Returns the output of a graph, or `None` if nothing reaches it.

        Args:
            cell_type: String, the name of the graph.
            inputs: Symbolic tensor.
            name: String, the beginning of the names of layers.
        """
        cell = self.genotype.cells[cell_type]
        nodes = [inputs]
        for node, edges in enumerate(cell.nodes, 1):
            outputs = [
                self._add_edge(
                    operation, nodes[source], f"{name}_{node}_{source}"
                )
                for operation, source in edges
                if operation != "none" and nodes[source] is not None
            ]
            outputs = [each for each in outputs if each is not None]
            nodes.append(self._join(outputs, f"{name}_{node}"))
        return nodes[cell.concat[-1]]

    def _add_edge(self, operation, inputs, name):
        """Returns the output of an edge, or `None` if it has none."""
        name = f"{name}_{operation}"
        if operation in self.genotype.cells:
            return self.add(operation, inputs, name)
        layer = primitive(
            operation,
            self.filters,
            search=self.search,
            name=name,
            dtype=self.dtype,
        )
        outputs = layer(inputs)
        if self.drop_path and not isinstance(layer, keras.layers.Identity):
            outputs = self.drop_path(outputs)
        return outputs

    def _join(self, outputs, name):
        """Returns the node of its edges' outputs, `None` without edges."""
        if not outputs:
            return None
        if len(outputs) == 1:
            return outputs[0]
        joined = keras.layers.Concatenate(
            name=f"{name}_joined", dtype=self.dtype
        )(outputs)
        return ConvBNReLU(
            self.filters,
            affine=not self.search,
            name=f"{name}_merge",
            dtype=self.dtype,
        )(joined)
