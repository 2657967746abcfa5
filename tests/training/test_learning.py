"""Training of weights: which change, by how much, and from which views."""

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from converting import video_swin

import vswin_cli as vswin
from vswin_cli.errors import OutputError, UsageError
from vswin_cli.training import augmentation
from vswin_cli.training.choices import choices_said, choose
from vswin_cli.training.options import TrainingOptions, recipe_for
from vswin_cli.training.remarks import remarks_on
from vswin_cli.training.scoring import multi_label_figures
from vswin_cli.zoo.architectures import BASE, SMALL, TINY, Architecture
from vswin_cli.zoo.catalog import find_model
from vswin_cli.zoo.protocols import Sampling, ViewProtocol

SMALLEST = Architecture("smallest", embed_dim=8, depths=(2, 2), num_heads=(1, 2), window=(2, 3, 3))


@pytest.fixture(scope="module")
def network() -> ModuleType:
    return video_swin()


@pytest.mark.slow
@pytest.mark.keras
def test_a_step_of_full_moves_every_weight(network):
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = network.VideoSwinClassifier(SMALLEST, (4, 32, 32), 3)
    for variable in model.trainable_variables:  # biases that are 0 hide gradients of others
        variable.assign(variable + 0.05 * np.random.default_rng(0).standard_normal(variable.shape))
    pixels = np.random.default_rng(0).standard_normal((2, 4, 32, 32, 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        logits = model(pixels, training=True)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits([0, 2], logits))
    gradients = tape.gradient(loss, [v.value for v in model.trainable_variables])
    assert len(gradients) == len(model.weights)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.any(np.asarray(tf.convert_to_tensor(gradient)) != 0), variable.path


@pytest.mark.slow
@pytest.mark.keras
def test_drop_path_rises_from_block_to_block(network):
    narrow = replace(TINY, embed_dim=8, num_heads=(1, 1, 1, 1), window=(2, 2, 2))
    backbone = network.VideoSwinBackbone(narrow, (4, 32, 32), drop_path=0.1)
    rates = [layer.drop_path for layer in backbone.layers if hasattr(layer, "drop_path")]
    assert rates == pytest.approx(np.linspace(0, 0.1, 12).tolist())
    first, *others = (layer for layer in backbone.layers if hasattr(layer, "drop_path"))
    assert first.drops is None
    assert [[drop.rate for drop in each.drops] for each in others] == [
        pytest.approx([rate, rate]) for rate in rates[1:]
    ]
    assert [recipe_for(each).drop_path for each in (TINY, SMALL, BASE)] == [0.1, 0.2, 0.3]


@pytest.mark.slow
@pytest.mark.keras
def test_drop_path_drops_whole_views_in_training_alone(network):
    import keras

    keras.utils.set_random_seed(1)
    block = network.SwinBlock(1, (2, 3, 3), shifted=False, drop_path=0.5)
    tokens = np.random.default_rng(0).standard_normal((64, 2, 3, 3, 8)).astype(np.float32)
    whole = np.asarray(block(tokens))
    assert np.array_equal(whole, np.asarray(block(tokens)))
    trained = np.asarray(block(tokens, training=True))
    untouched = [np.array_equal(one, other) for one, other in zip(trained, tokens, strict=True)]
    assert 5 <= sum(untouched) <= 30  # both parts are dropped for a quarter of the views


@pytest.mark.slow
@pytest.mark.keras
def test_each_variable_has_its_rate_and_decay(network):
    import keras

    from vswin_cli.training.optimizer import LayerwiseAdamW, WarmupCosine

    rng = np.random.default_rng(0)
    start = rng.standard_normal((2, 5)).astype(np.float32)
    variables = [keras.Variable(row) for row in start]
    optimizer = LayerwiseAdamW(WarmupCosine(0.1, 2, 10), [1.0, 0.1], [0.0, 0.5], clip=100.0)
    optimizer.build(variables)
    expected = start.astype(np.float64)
    mean, square = np.zeros_like(expected), np.zeros_like(expected)
    for step in range(4):
        gradients = rng.standard_normal((2, 5)).astype(np.float32)
        optimizer.apply(list(map(keras.ops.convert_to_tensor, gradients)), variables)
        rate = 0.1 * min((step + 1) / 2, 0.01 + 0.495 * (1 + np.cos(np.pi * max(step - 2, 0) / 8)))
        mean = 0.9 * mean + 0.1 * gradients
        square = 0.999 * square + 0.001 * gradients**2
        by = (mean / (1 - 0.9 ** (step + 1))) / np.sqrt(square / (1 - 0.999 ** (step + 1)))
        shares = np.array([[1.0], [0.1]])
        expected -= rate * shares * (by + np.array([[0.0], [0.5]]) * expected)
    found = np.stack([keras.ops.convert_to_numpy(variable.value) for variable in variables])
    assert found == pytest.approx(expected, abs=1e-5)


@pytest.mark.slow
@pytest.mark.keras
def test_weights_that_diverged_are_not_kept_and_states_that_cannot_be_written_are_told(
    network, tmp_path
):
    from vswin_cli.training.batches import Plan
    from vswin_cli.training.learning import DivergedError, Learner, Watching
    from vswin_cli.training.scoring import Score

    plan = Plan(np.eye(3, dtype=np.float32), 1, 1, 0, "none", 32)
    recipe, gone = recipe_for(SMALLEST), tmp_path / "gone"
    learner = Learner(SMALLEST, (4, 32, 32), None, None, plan, recipe, 0.1, "float32", gone)
    with pytest.raises(OutputError, match=r"cannot write .*state\.npz"):
        learner.save()
    with pytest.raises(DivergedError, match="the loss at step 0 is nan"):
        learner.learn(
            None,
            lambda logits: Score(np.nan, 0.4),
            every=1,
            patience=1,
            save_every=1,
            watching=Watching(),
        )


@pytest.mark.parametrize(
    ("options", "given", "batch_size"),
    [
        ({"batch_size": 512}, {"num_clips": 12}, 12),
        ({"batch_size": 2}, {"num_clips": 12}, 2),
        ({}, {"num_clips": 12, "begun_with": 4}, 4),  # the free memory is another now
    ],
)
def test_rate_is_that_of_the_clips_that_a_step_really_has(options, given, batch_size):
    model = find_model("swin-t-k400")
    options = TrainingOptions(how="full", **options)
    chosen = choose(options, model, ("a", "b"), "tensorflow", has_gpu=False, **given)
    assert chosen.batch_size == batch_size
    assert chosen.lr == pytest.approx(1e-3 * batch_size / 64)


def test_random_weights_are_trained_and_options_without_effect_are_told():
    model = find_model("swin-t-k400")
    options = TrainingOptions(from_scratch=True)
    assert choose(options, model, ("a", "b"), "tensorflow", has_gpu=False).how == "full"
    options = TrainingOptions(epochs=3, mixup=0.2, seed=1)
    chosen = choose(options, model, ("a", "b"), "tensorflow", has_gpu=False)
    [said] = choices_said(chosen, options, ("a", "b"), "tensorflow", [3, 3], is_balanced=False)
    assert said.endswith("--how full trains all weights and uses --epochs, --mixup")


def test_directional_never_flips_and_default_does():
    curve = (100 + np.arange(60) ** 2 / 60).astype(np.uint8)  # steeper on the right
    frames = np.repeat(np.broadcast_to(curve, (4, 50, 60))[..., np.newaxis], 3, axis=-1)
    unflipped = {}
    for augment in ("default", "directional", "none"):
        views = [
            augmentation.apply(
                frames, augmentation.draw(np.random.default_rng(n), augment, 50, 60), 32
            )
            for n in range(200)
        ]
        slopes = [np.abs(np.diff(v[0, 16, :, 1].astype(int))) for v in views]
        unflipped[augment] = np.mean([each[16:].sum() > each[:15].sum() for each in slopes])
    assert unflipped["directional"] == unflipped["none"] == 1.0
    assert 0.35 < unflipped["default"] < 0.65


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("save_every", 0, "--save-every 0 must be at least 1"),
        ("patience", 0, "--patience 0 must be at least 1"),
        ("seed", -1, "--seed -1 must be at least 0"),
        ("mixup", -0.1, "--mixup -0.1 must be at least 0"),
        ("epochs", 2.5, "--epochs 2.5 is not a whole number"),
        ("seed", "0", "--seed '0' is not a whole number"),
        ("lr", "fast", "--lr 'fast' is not a number"),
        ("how", "ful", "--how ful must be one of auto, head, full"),
    ],
)
def test_options_that_the_command_refuses_are_refused_in_python(name, value, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        vswin.train(tmp_path, tmp_path / "mine", **{name: value})


@pytest.mark.parametrize("sampling", list(Sampling))
def test_a_clip_of_one_frame_may_vary_its_pace(sampling):
    protocol = ViewProtocol(sampling, num_clips=1, clip_len=1, frame_interval=2)
    drawn = augmentation.draw_clip(np.random.default_rng(0), 40, protocol, varies_pace=True)
    assert drawn.shape == (1,)


@pytest.mark.parametrize("sampling", [Sampling.OFFICIAL, Sampling.UNIFORM])
@pytest.mark.parametrize("num_frames", [1, 7, 40, 500])
@pytest.mark.parametrize("varies_pace", [False, True])
def test_clips_are_drawn_from_the_whole_video_in_its_order(sampling, num_frames, varies_pace):
    protocol = ViewProtocol(sampling, num_clips=1, clip_len=8, frame_interval=2)
    drawn = np.stack(
        [
            augmentation.draw_clip(
                np.random.default_rng(n), num_frames, protocol, varies_pace=varies_pace
            )
            for n in range(300)
        ]
    )
    assert 0 <= drawn.min() <= num_frames // 20
    assert num_frames - 1 - num_frames // 20 <= drawn.max() < num_frames
    if num_frames > 15:
        assert (np.diff(drawn) > 0).all()  # never reversed
    if num_frames > 30 and sampling is Sampling.OFFICIAL:
        lengths = np.ptp(drawn, axis=1)
        assert (lengths.min(), lengths.max()) == ((10, 18) if varies_pace else (14, 14))


def test_stills_of_other_clips_leave_what_moves():
    rng = np.random.default_rng(0)
    views = rng.standard_normal((40, 6, 4, 4, 3)).astype(np.float32)
    varied = augmentation.add_stills(rng, views)
    kept = np.diff(varied, axis=1) / np.diff(views, axis=1)  # the same factor everywhere in a view
    factors = kept.mean(axis=(1, 2, 3, 4))
    assert kept == pytest.approx(np.broadcast_to(factors.reshape(-1, 1, 1, 1, 1), kept.shape), 1e-2)
    assert 10 < (factors > 0.999).sum() < 30
    assert 0.5 < factors.min() < 0.6
    shown = varied - factors.reshape(-1, 1, 1, 1, 1) * views
    others = np.roll(views, 1, axis=0)
    assert any(
        np.allclose(shown[0], (1 - factors[0]) * others[0][place], atol=1e-3) for place in range(6)
    )


@pytest.mark.parametrize("multi_label", [False, True])
def test_head_learns_what_can_be_learned(multi_label):
    from vswin_cli.training.head import Rows, fit_heads  # imports scipy.optimize

    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 90)
    targets = np.eye(3, dtype=np.float32)[truth]
    features = rng.standard_normal((180, 12)).astype(np.float32) * 5 + 100
    features[:, :3] += 12 * np.repeat(targets, 2, axis=0)
    rows = Rows(features, np.full(180, 0.5), np.repeat(np.arange(90), 2), targets)
    fits = list(
        fit_heads(rows, rows, multi_label=multi_label, balanced=not multi_label, smoothing=0.0)
    )
    assert fits[-1].train.quality > 0.95
    assert fits[-1].train.loss < fits[0].train.loss


@pytest.mark.parametrize(
    ("best", "right", "words"),
    [
        ({"epoch": 2, "train_accuracy": 0.75, "validation_accuracy": 0.7}, 1, []),
        (
            {"epoch": 2, "train_accuracy": 0.95, "validation_accuracy": 0.7},
            1,
            ["far below training"],
        ),
        (
            {"epoch": 2, "train_accuracy": 0.3, "validation_accuracy": 0.7},
            1,
            ["nothing was learned"],
        ),
        ({"epoch": 0, "validation_accuracy": 0.7}, 1, ["were kept; try a lower --lr"]),
        (
            {"epoch": 2, "train_accuracy": 0.75, "validation_accuracy": 0.7},
            0,
            ["no clip of rain is recognised"],
        ),
    ],
)
def test_remarks_are_about_the_weights_that_are_kept(best, right, words):
    classes = [{"label": name, "clips": 4, "right": 4} for name in ("sun", "fog", "wind")]
    classes.append({"label": "rain", "clips": 4, "right": right})
    found = remarks_on(best, 0.7, classes, is_early=False, multi_label=False, how="full")
    for remark, word in zip(found, words, strict=True):
        assert word in remark


def test_several_labels_have_metrics_of_their_own():
    targets = np.array([[1, 0], [1, 1], [0, 1], [0, 0]])
    probabilities = np.array([[0.9, 0.6], [0.8, 0.7], [0.2, 0.4], [0.1, 0.1]])
    figures = multi_label_figures(probabilities, targets)
    assert figures["mean_average_precision"] == pytest.approx((1 + (1 + 2 / 3) / 2) / 2)
    assert figures["micro_f1"] == pytest.approx(2 * 3 / (4 + 4))
    assert figures["exact"] == 0.5


def test_labels_of_all_clips_have_no_average_precision():
    everywhere = np.ones((3, 2))
    assert multi_label_figures(0.9 * everywhere, everywhere)["mean_average_precision"] is None
