"""A pass of a recurrent controller through all its steps."""

import numpy as np
import tensorflow as tf

from tfdarts.strategies.controllers.controller_steps import ControllerSteps

FORBIDDEN = -1e9
"""The logit of what a decision may not choose; its probability is 0."""


class ControllerPass:
    """One pass through all steps of a controller.

    Args:
        controller: `RecurrentController`.
        given: Array `(batch, num_decisions, ...)`, what `choose` gets of each
            decision.
        choose: Function of what is given for a decision, `(batch, ...)`, and
            of the log-probabilities `(batch, nodes + primitives)`, that
            returns the chosen options `(batch,)`.

    Attributes:
        options: Integer array `(batch, num_decisions)`.
        log_probabilities, entropies: Arrays `(batch, num_decisions)`.
    """

    def __init__(self, controller, given, choose):
        self.controller = controller
        self.choose = choose
        self.nodes = controller.steps.predecessors.shape[1]
        decides = controller.steps.decides
        # Steps without a decision get what is given for another, unused.
        decision = np.maximum(np.cumsum(decides) - 1, 0)
        given = tf.gather(given, decision, axis=1)
        self.steps = ControllerSteps(*map(tf.constant, controller.steps))
        batch = tf.shape(given)[0]
        *_, outputs = tf.while_loop(
            lambda number, *_: number < len(decides),
            lambda number, state, outputs: (
                number + 1,
                *self._step(number, state, outputs, given[:, number]),
            ),
            (0, self._first_state(batch), self._arrays(len(decides))),
        )
        self.options, self.log_probabilities, self.entropies = (
            tf.transpose(tf.gather(each.stack(), np.flatnonzero(decides)))
            for each in outputs
        )

    def _arrays(self, length):
        """Returns arrays for an option and two numbers of each step."""
        dtype = self.controller.compute_dtype
        return tuple(
            tf.TensorArray(each, length) for each in ("int32", dtype, dtype)
        )

    def _first_state(self, batch):
        controller = self.controller
        zeros = tf.zeros(
            (batch, self.nodes, controller.units), controller.compute_dtype
        )
        return {
            "inputs": self._start(batch),
            "lstm": [
                [*cell.get_initial_state(batch)] for cell in controller.cells
            ],
            "anchors": zeros,
            "keys": zeros,
            "sources": tf.fill((batch, self._most_edges), -1),
        }

    @property
    def _most_edges(self):
        return int(self.controller.steps.edge.max()) + 1

    def _start(self, batch):
        """Returns the input of a step that follows no decision."""
        last = self.controller.embedding.input_dim - 1
        return self.controller.embedding(tf.fill((batch,), last))

    def _step(self, number, state, outputs, given):
        """Returns the state and the outputs after a step."""
        step = ControllerSteps(*(each[number] for each in self.steps))
        output, lstm = self._run_lstm(state["inputs"], state["lstm"])
        logs = tf.nn.log_softmax(self._logits(step, state, output))
        option = self.choose(given, logs)
        found = (
            option,
            tf.gather(logs, option, batch_dims=1),
            -tf.reduce_sum(tf.exp(logs) * logs, axis=1),
        )
        outputs = tuple(
            array.write(number, value) for array, value in zip(outputs, found)
        )
        return self._next_state(step, state, output, lstm, option), outputs

    def _run_lstm(self, inputs, states):
        after = []
        for cell, state in zip(self.controller.cells, states):
            inputs, state = cell(inputs, state)
            after.append([*state])
        return inputs, after

    def _logits(self, step, state, output):
        """Returns the logits of all options `(batch, nodes + primitives)`."""
        controller, sources = self.controller, state["sources"]
        query = controller.queries(output)[:, tf.newaxis]
        attended = controller.attention(tf.tanh(state["keys"] + query))
        constant = controller.operation_tanh_constant
        if constant is None:
            constant = controller.tanh_constant
        logits = tf.concat(
            [
                self._shape(attended[..., 0], controller.tanh_constant),
                self._shape(controller.operation_logits(output), constant),
            ],
            axis=1,
        )
        batch = tf.shape(output)[0]
        predecessors = tf.tile(step.predecessors[tf.newaxis], (batch, 1))
        if not controller.space.repeats_predecessors:
            taken = tf.one_hot(sources, self.nodes, True, False)
            predecessors &= ~tf.reduce_any(taken, axis=1)
        source = tf.maximum(sources[:, step.edge], 0)
        operations = tf.gather(step.operations, source)
        allowed = tf.concat([predecessors, operations], axis=1)
        return tf.where(allowed, logits, tf.cast(FORBIDDEN, logits.dtype))

    def _shape(self, logits, tanh_constant):
        logits = logits / self.controller.temperature
        if tanh_constant is None:
            return logits
        return tanh_constant * tf.tanh(logits)

    def _next_state(self, step, state, output, lstm, option):
        controller = self.controller
        anchor = tf.where(step.ends_input, tf.zeros_like(output), output)
        ended = step.ended[:, tf.newaxis]
        anchors = tf.where(ended, anchor[:, tf.newaxis], state["anchors"])
        key = controller.anchor_keys(output)[:, tf.newaxis]
        node = tf.minimum(option, self.nodes - 1)
        primitive = tf.maximum(option - self.nodes, 0)
        inputs = tf.where(
            step.decides_predecessor,
            tf.gather(anchors, node, batch_dims=1),
            tf.where(
                step.decides_operation,
                controller.embedding(primitive),
                self._start(tf.shape(output)[0]),
            ),
        )
        is_edge = tf.range(self._most_edges) == step.edge
        sources = tf.where(
            is_edge & step.decides_predecessor,
            node[:, tf.newaxis],
            state["sources"],
        )
        # The next node has other predecessors.
        decides = step.decides_predecessor | step.decides_operation
        return {
            "inputs": inputs,
            "lstm": lstm,
            "anchors": anchors,
            "keys": tf.where(ended, key, state["keys"]),
            "sources": tf.where(decides, sources, -1),
        }
