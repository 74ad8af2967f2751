"""DARTS whose weights are trained with perturbed edge weights."""

from tfdarts.strategies.strategy import SupernetStrategy


class SDARTS(SupernetStrategy):
    """DARTS whose weights are trained with perturbed edge weights.

    The noise is random by default (SDARTS-RS); SDARTS-ADV is
    `--perturbation=adversarial`.

    Reference:

    - [Chen and Hsieh, 2020](https://arxiv.org/abs/2002.05283), and their code
    """

    name = "sdarts"
    parts = {"perturbation": "random", "order": 1}
