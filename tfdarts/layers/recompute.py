"""Gradient checkpointing: recomputes activations instead of keeping them."""

import tensorflow as tf

from tfdarts.layers.custom_gradient import custom_gradient


def call_and_recompute(layer, *inputs):
    """Calls a layer in training; the gradient recomputes its activations.

    Only the inputs of the layer are kept in memory. The recomputation costs
    one more forward pass.

    Args:
        layer: Keras layer, built.
        *inputs: Tensors, the inputs of the layer.

    Returns:
        The output of the layer, one tensor. Moving statistics are updated
        once.

    Reference:

    - [Chen et al., 2016](https://arxiv.org/abs/1604.06174)
    """
    trainable = [tf.convert_to_tensor(v) for v in layer.trainable_variables]
    state = [tf.convert_to_tensor(v) for v in layer.non_trainable_variables]

    def call(*arguments):
        outputs, new_state = layer.stateless_call(
            arguments[len(inputs) :],
            state,
            *arguments[: len(inputs)],
            training=True,
        )
        return outputs, *map(tf.stop_gradient, new_state)

    @custom_gradient
    def call_and_forget(*arguments):
        def gradients(*upstream):
            # Without the dependency, TensorFlow may run the second pass
            # beside the first or merge both, and keep all activations.
            with tf.control_dependencies(upstream[:1]):
                again = [tf.identity(argument) for argument in arguments]
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(again)
                outputs, *_ = call(*again)
            return tape.gradient(outputs, again, output_gradients=upstream[0])

        return call(*arguments), gradients

    outputs, *new_state = call_and_forget(*inputs, *trainable)
    for variable, value in zip(layer.non_trainable_variables, new_state):
        variable.assign(value)
    return outputs
