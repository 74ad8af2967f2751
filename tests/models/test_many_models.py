"""A process that trains many networks, as a search of candidates does."""

import keras
import numpy as np

from tfdarts.genotypes import Genotype
from tfdarts.models.auxiliary_head import WithAuxiliaryHead
from tfdarts.models.cnn_network import CNNNetwork
from tfdarts.models.on_devices import FunctionalOnDevices

CELL = [("skip_connect", 0), ("max_pool_3x3", 1)]


def test_tensorflow_does_not_warn_of_retracing(caplog):
    caplog.set_level("WARNING", logger="tensorflow")
    genotype = Genotype(
        normal=CELL, normal_concat=[2], reduce=CELL, reduce_concat=[2]
    )
    batch = np.ones([2, 8, 8, 1], "float32"), np.zeros([2], "int32")
    functions = set()
    for number in range(6):
        network = CNNNetwork(genotype, 2, 3, 2, (8, 8, 1))
        if number % 2:
            model = WithAuxiliaryHead(network)
        else:
            model = FunctionalOnDevices(network.input, network.output)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", loss)
        model.fit(*batch, validation_data=batch, verbose=0)
        functions |= {model.train_function, model.test_function}
    assert len(functions) == 12
    assert "retracing" not in caplog.text
