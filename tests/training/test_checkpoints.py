"""What was saved after an epoch comes back, bit for bit."""

import contextlib
import resource

import keras
import numpy as np
import pytest

from tfdarts.layers.convolutions import SepConv
from tfdarts.training.checkpoints import EpochCheckpoint
from tfdarts.training.optimizers import SGD


class Training:
    """A layer that holds batch norms in a list, and its optimizer."""

    def __init__(self, directory):
        self.layer = SepConv(4, 3)
        self.layer.build((None, 4, 4, 4))
        self.optimizer = SGD(0.1)
        self.optimizer.build(self.layer.trainable_variables)
        self.checkpoint = EpochCheckpoint(
            directory,
            layer=self.layer.variables,
            optimizer=self.optimizer.variables,
        )

    def epoch(self, epoch):
        random = np.random.default_rng(epoch)
        x = random.normal(1.0, 2.0, (2, 4, 4, 4)).astype("float32")
        self.layer(x, training=True)
        variables = self.layer.trainable_variables
        gradients = [random.normal(size=v.shape) for v in variables]
        gradients = [keras.ops.array(g, "float32") for g in gradients]
        self.optimizer.apply(gradients, variables)
        self.checkpoint.on_epoch_end(epoch)

    def values(self):
        variables = self.layer.variables + self.optimizer.variables
        return [variable.numpy() for variable in variables]


def same(first, second):
    return [
        one.tobytes() == other.tobytes()
        for one, other in zip(first, second, strict=True)
    ]


def test_everything_comes_back(tmp_path):
    training = Training(tmp_path)
    new = training.values()
    for epoch in range(3):
        training.epoch(epoch)
    trained = training.values()
    changed = [not equal for equal in same(new, trained)]
    # All but the optimizer's learning rate.
    assert changed.count(False) == 1
    # Kernels, gammas, betas, momentums and moving statistics of two blocks.
    assert len(trained) == 2 * (4 + 4 + 2) + 2

    resumed = Training(tmp_path)
    assert not all(same(trained, resumed.values()))
    assert resumed.checkpoint.restore() == 3
    assert all(same(trained, resumed.values()))

    training.epoch(3)
    resumed.epoch(3)
    assert all(same(training.values(), resumed.values()))


def test_the_newest_two_are_kept(tmp_path):
    first, second = Training(tmp_path), None
    for epoch in range(8, 11):
        first.epoch(epoch)
    assert numbers(tmp_path) == [10, 10, 11, 11]
    second = Training(tmp_path)
    assert second.checkpoint.restore() == 11
    second.epoch(11)
    assert numbers(tmp_path) == [11, 11, 12, 12]


def numbers(directory):
    """Of all files there, each checkpoint's two."""
    names = [path.name.split(".")[0] for path in directory.iterdir()]
    return sorted(int(name.removeprefix("ckpt-")) for name in names)


def test_without_a_checkpoint_nothing_changes(tmp_path):
    training = Training(tmp_path)
    before = training.values()
    assert training.checkpoint.restore() == 0
    assert all(same(before, training.values()))


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    Training(tmp_path).epoch(0)
    for filters in (4, 2):
        layer = SepConv(filters, 3)
        layer.build((None, 4, 4, filters))
        other = EpochCheckpoint(tmp_path, layer=layer.variables)
        with pytest.raises(ValueError, match="checkpoint of another network"):
            other.restore()


def damage(path, random):
    """Does to a file what disks and killed processes do to it."""
    content = bytearray(path.read_bytes())
    match random.integers(4):
        case 0:
            path.unlink()
            return
        case 1:
            content = content[: random.integers(len(content))]
        case 2:
            content[random.integers(len(content))] ^= 1 << random.integers(8)
        case 3:
            content = bytes(len(content))
    path.write_bytes(content)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_behind_a_damaged_checkpoint_the_one_before_comes_back(
    tmp_path, suffix, seed
):
    training = Training(tmp_path)
    values = {}
    for epoch in (1, 2):
        training.epoch(epoch - 1)
        values[epoch] = training.values()
    damage(tmp_path / f"ckpt-2.{suffix}", np.random.default_rng(seed))
    resumed = Training(tmp_path)
    epoch = resumed.checkpoint.restore()
    assert all(same(values[epoch], resumed.values()))
    if epoch == 1:
        resumed.epoch(1)
        assert Training(tmp_path).checkpoint.restore() == 2
        assert all(same(values[2], resumed.values()))


@contextlib.contextmanager
def full_disk():
    """No file may grow beyond a kilobyte."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def test_a_checkpoint_that_finds_no_room_leaves_the_one_before(tmp_path):
    training = Training(tmp_path)
    training.epoch(0)
    values = training.values()
    with (
        full_disk(),
        pytest.raises(OSError, match="epoch 2 could not.*free some space"),
    ):
        training.epoch(1)
    resumed = Training(tmp_path)
    assert resumed.checkpoint.restore() == 1
    assert all(same(values, resumed.values()))


def test_files_of_other_names_are_let_alone(tmp_path):
    (tmp_path / "ckpt-abc.index").touch()
    (tmp_path / "ckpt-.index").touch()
    assert EpochCheckpoint(tmp_path, some=[]).restore() == 0


@pytest.mark.parametrize("name", ["lr=[0.1]", "a\\b", "* ? {a} $b 'c' é😀"])
def test_any_directory_will_do(tmp_path, name):
    variable = keras.Variable(3.0)
    checkpoint = EpochCheckpoint(tmp_path / name, some=[variable])
    checkpoint.on_epoch_end(4)
    variable.assign(0.0)
    assert checkpoint.restore() == 5
    assert float(variable) == 3
    (tmp_path / name / "ckpt-5.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(ValueError, match="can be read") as error:
        checkpoint.restore()
    assert f"checkpoints in {tmp_path / name} can" in str(error.value)


def test_a_file_in_the_way_is_known_at_once(tmp_path):
    (tmp_path / "checkpoints").touch()
    with pytest.raises(FileExistsError):
        EpochCheckpoint(tmp_path / "checkpoints", some=[])


def test_where_all_are_damaged_none_is_taken_for_a_beginning(tmp_path):
    training = Training(tmp_path)
    training.epoch(0)
    (tmp_path / "ckpt-1.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(ValueError, match="None of the checkpoints.*be read"):
        Training(tmp_path).checkpoint.restore()


def test_fit_saves_after_each_epoch(tmp_path):
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    model.compile("sgd", "mse", run_eagerly=True)
    checkpoint = EpochCheckpoint(tmp_path, model=model.variables)
    x, y = np.ones((4, 2)), np.ones((4, 1))
    model.fit(x, y, epochs=2, verbose=0, callbacks=[checkpoint])
    trained = model.get_weights()
    model.set_weights([np.zeros_like(w) for w in trained])
    assert checkpoint.restore() == 2
    assert all(same(trained, model.get_weights()))
