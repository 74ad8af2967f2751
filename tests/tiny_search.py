"""The settings of a search that takes seconds."""

from tfdarts.tasks.configs import SearchConfig

TINY = SearchConfig(
    preset="paper",
    order=1,
    init_channels=2,
    num_cells=3,
    num_nodes=1,
    primitives="none,max_pool_3x3,skip_connect,dil_conv_3x3",
    epochs=2,
    batch_size=256,
    learning_rate=0.1,
    alpha_learning_rate=0.1,
)
