"""Saving and loading of searches by Keras."""

import keras


class SavedSearch:
    """Mixin of `DARTS` with which Keras saves and loads a search.

    A loaded search resumes with the same weights, alphas and optimizers, on
    one device. The carried state of a recurrent supernet is not saved.
    """

    def get_config(self):
        """Returns all arguments of the search except `distribution`."""
        options = ("order", "update_order", "alpha_warmup_steps")
        options += ("micro_batches", "clip_virtual_step", "alpha_average")
        options += ("name",)
        second_order = {"method": self.method} if self.order == 2 else {}
        functions = ("derive", "alpha_regularizer", "perturbation")
        return {
            "supernet": keras.saving.serialize_keras_object(self.supernet),
            **{
                name: keras.saving.serialize_keras_object(getattr(self, name))
                for name in functions
            },
            **{option: getattr(self, option) for option in options},
            **second_order,
        }

    def get_compile_config(self):
        if not self.compiled:
            return {}
        return keras.saving.serialize_keras_object(
            {
                "weight_optimizer": self.optimizer,
                "alpha_optimizer": self.alpha_optimizer,
                "loss": self.loss_function,
                "accuracy": self.accuracy_function,
                **self.compile_options,
                "run_eagerly": self.run_eagerly,
                "jit_compile": self.jit_compile,
            }
        )

    @classmethod
    def from_config(cls, config):
        return cls(**keras.saving.deserialize_keras_object(config))

    def compile_from_config(self, config):
        self.compile(**keras.saving.deserialize_keras_object(config))
