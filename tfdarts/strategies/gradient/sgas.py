"""DARTS that decides edges one by one during the search."""

from tfdarts.strategies.strategy import SupernetStrategy


class SGAS(SupernetStrategy):
    """DARTS that decides edges one by one during the search.

    The first criterion of the paper is the default; the second one is
    `--decision_history=4`. With the published 50 epochs, a decision falls
    after epochs 10, 15 and so on to 45; with others, decisions are spread in
    the same shares. The time and memory that decisions save do not make the
    batch grow, as in the authors' code.

    Reference:

    - [Li et al., 2020](https://arxiv.org/abs/1912.00195), and their code
    """

    name = "sgas"
    parts = {"derivation": "greedy", "order": 1}
