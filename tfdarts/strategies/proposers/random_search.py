"""Random search: draws candidates from the space and keeps the best."""

from tfdarts.strategies.proposers.oracle_strategy import OracleStrategy


class RandomSearch(OracleStrategy):
    """Draws genotypes uniformly, trains each and keeps the best.

    Reference:

    - [Li and Talwalkar, 2019](https://arxiv.org/abs/1902.07638)
    """

    name = "random"
    family = "Controls"
    oracle = "tfdarts.strategies.proposers.sampling_oracle:SamplingOracle"

    def build_encoding(self, config):
        from tfdarts.strategies.proposers.sampling_oracle import SampleEncoding

        return SampleEncoding(config.search_space, config.seed)
