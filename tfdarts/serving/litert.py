"""Running a LiteRT model with LiteRT."""

import numpy as np

from tfdarts.stderr import quiet_stderr


def litert_probabilities(content, images, batch_size=32):
    """Returns the probabilities of a LiteRT model for images.

    Args:
        content: Bytes, from `tfdarts.serving.formats.convert`.
        images: Array `(examples, height, width, channels)`, pixels from 0 to
            255.
        batch_size: Integer. It changes the time, not the result.

    Returns:
        Array `(examples, num_classes)`.

    Raises:
        ImportError: Without `ai-edge-litert`, the extra `litert`.
        ValueError: If LiteRT cannot run the model.
    """
    from ai_edge_litert import interpreter

    try:
        with quiet_stderr():
            loaded = interpreter.Interpreter(model_content=content)
            signature = loaded.get_signature_runner()
            dtype = loaded.get_input_details()[0]["dtype"]
            answers = [
                signature(
                    images=np.asarray(images[at : at + batch_size], dtype)
                )
                for at in range(0, len(images), batch_size)
            ]
        return np.concatenate([each["probabilities"] for each in answers])
    except RuntimeError as error:
        raise ValueError(
            f"LiteRT cannot run the converted network: {error} In 8 bits, "
            "LiteRT cannot add two layers if the values of one are hundreds "
            "of times larger than the values of the other: train for longer, "
            "or leave litert_int8 out."
        ) from error
