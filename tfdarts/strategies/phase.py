"""The mean of a function over the micro-batches of all replicas."""

import contextlib
import math

import tensorflow as tf

from tfdarts.layers.batch_norm import has_synchronized
from tfdarts.replicas import part_of_batch
from tfdarts.replicas import sum_over_replicas


class Phase:
    """The mean of a function over all parts of a batch.

    The number of parts is the number of replicas times micro-batches. Each
    replica computes its micro-batches one after the other. One all-reduce of
    one vector then averages all results.

    Args:
        function: Function `(*values, *part) -> (means, carried, others)` of
            structures of tensors: the tensors to average, the carried state
            of the part, and tensors that are equal in all parts.
        model: `tfdarts.training.pure_model.PureModel` that the function calls.
        distribution: `tf.distribute.Strategy`.
        compile: Function that compiles a function, such as `tf.function`.
        micro_batches: Integer. Defaults to `1`.
        jit_compile: Boolean, whether XLA compiles. Defaults to `False`.
        as_traced: Boolean; see `graph_as_traced`. Defaults to `False`.
    """

    def __init__(
        self,
        function,
        model,
        distribution,
        compile,
        micro_batches=1,
        jit_compile=False,
        as_traced=False,
    ):
        self.function = function
        self.model = model
        self.distribution = distribution
        self.micro_batches = micro_batches
        self.num_parts = micro_batches * distribution.num_replicas_in_sync
        self._context = graph_as_traced if as_traced else contextlib.nullcontext
        self._like = None
        self._of_part = tf.function(
            self._compute_packed, autograph=False, jit_compile=jit_compile
        )
        self._average = tf.function(self._average_means, autograph=False)
        if distribution.num_replicas_in_sync == 1:
            self._compute = compile(
                self._compute_packed, jit_compile=jit_compile
            )
        else:
            self._compute = compile(self._on_replicas)

    def __call__(self, values, parts):
        """Returns means, the list of the parts' carried states, and others.

        Args:
            values: Tuple of structures of tensors.
            parts: The parts that `tfdarts.replicas.parts_of` returns.
        """
        with self._context():
            results = [
                self._compute(tf.constant(number), values, part)
                for number, part in enumerate(parts)
            ]
        means, carried, others = zip(*results)
        local = self.distribution.experimental_local_results
        others = tf.nest.map_structure(lambda v: local(v)[0], others[-1])
        if self.num_parts == 1:
            return means[0], carried, others
        return self._average(means), carried, others

    def graph(self, values, part):
        """Returns the graph of one part; it is not run.

        Args:
            values: Tuple of structures of tensors.
            part: Structure of `tf.TensorSpec`s.
        """
        one = self.distribution.num_replicas_in_sync == 1
        traced = self._compute if one else self._of_part
        specs = tf.TensorSpec([], tf.int32), _specs(values), part
        return traced.get_concrete_function(*specs).graph

    def _compute_packed(self, number, values, part):
        """Calls the function on one part; packs the means into one vector.

        Args:
            number: Scalar, the index of the part in the batch.
        """
        with part_of_batch(number, self.num_parts):
            means, carried, others = self.function(*values, *part)
        if self.num_parts == 1:
            return means, carried, others
        self._like = _specs(means)
        dtype = self.model.dtype
        vectors = [
            tf.reshape(tf.cast(tensor, dtype), [-1])
            for tensor in tf.nest.flatten(means)
        ]
        return tf.concat(vectors, axis=0), carried, others

    def _on_replicas(self, number, values, part):
        """Calls the function on one micro-batch of each replica."""
        of_part = self._of_part
        if has_synchronized(self.model.model):
            # TensorFlow must trace all replicas for the all-reduces inside.
            of_part = self._compute_packed
        else:
            of_part = self._build_once(number, values, part)

        def compute(part):
            context = tf.distribute.get_replica_context()
            replica = context.replica_id_in_sync_group
            index = replica * self.micro_batches + number
            return of_part(index, values, part)

        return self.distribution.run(compute, args=(part,))

    def _build_once(self, number, values, part):
        """Returns a function that shares one graph among all replicas."""
        local = self.distribution.experimental_local_results
        columns = [local(v) for v in tf.nest.flatten(part)]
        built = {}
        for column in zip(*columns):
            specs = _specs(tf.nest.pack_sequence_as(part, column))
            built[repr(specs)] = self._of_part.get_concrete_function(
                _specs(number), _specs(values), specs
            )

        def of_part(index, values, part):
            return built[repr(_specs(part))](index, values, part)

        return of_part

    def _average_means(self, vectors):
        def mean_of_all(vectors):
            return sum_over_replicas(tf.add_n(vectors) / self.num_parts)

        means = self.distribution.run(mean_of_all, args=(vectors,))
        mean, *_ = self.distribution.experimental_local_results(means)
        specs = tf.nest.flatten(self._like)
        pieces = tf.split(mean, [math.prod(spec.shape) for spec in specs])
        return tf.nest.pack_sequence_as(
            self._like,
            [
                tf.cast(tf.reshape(piece, spec.shape), spec.dtype)
                for piece, spec in zip(pieces, specs)
            ],
        )


@contextlib.contextmanager
def graph_as_traced():
    """Runs functions without TensorFlow's graph optimizer, on CPUs.

    On CPUs the optimizer takes a third of the first step of a search of
    convolutional cells and makes no later step faster. On GPUs it chooses the
    layout of images. Graphs with loops need it: it saves memory.
    """
    if tf.config.list_physical_devices("GPU"):
        yield
        return
    options = tf.config.optimizer.get_experimental_options()
    option = "disable_meta_optimizer"
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        yield
    finally:
        before = {option: options.get(option, False)}
        tf.config.optimizer.set_experimental_options(before)


def _specs(structure):
    return tf.nest.map_structure(
        lambda tensor: tf.TensorSpec(tensor.shape, tensor.dtype), structure
    )
