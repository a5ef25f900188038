"""Networks for images: counts, cuts, training that goes on where it was killed, tables, and the command around them."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import json
import os
import re
import signal

import numpy as np
import pytest
import torch
from archives import tree, write
from torch import nn

from riskkit.cli.main import main
from riskkit.data import read_cifar
from riskkit.engines.reference import one_thread
from riskkit.images import NETWORKS, InMemory, Plan, differences, memory, rows, settled, train
from riskkit.images.networks import Architecture, described, vgg16, vgg16_bn, wide_resnet
from riskkit.images.sources import cut
from riskkit.images.tables import tables
from riskkit.images.training import Trainer
from riskkit.optim import TABLE3

CPU = torch.device("cpu")
LRS = {"Adam": 0.003, "AdamW": 0.003, "RAdam": 0.003, "AdaBound": 0.003, "AdaBelief": 0.003}


@pytest.fixture(autouse=True)
def _one_thread():
    with one_thread():
        yield


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return write(tmp_path_factory.mktemp("archive") / "cifar-10-binary.tar.gz")


@pytest.fixture(scope="module")
def source(archive):
    return InMemory(read_cifar(archive, any_archive=True), CPU)


def plan(optimiser="SLRLA", **numbers):
    return Plan("small", optimiser, LRS.get(optimiser, 0.05), 1e-3, **{"epochs": 4, "batch": 8, **numbers})


# Networks.


def test_networks_have_the_published_numbers_of_parameters():
    counts = {
        "resnet18": 11_173_962,
        "vgg16": 134_301_514,
        "vgg16-bn": 14_728_266,
        "wrn-16-10": 17_116_634,
        "resnet18-imagenet": 11_689_512,
        "small": 6_418,
    }
    assert {name: described(name, 1000 if name.endswith("imagenet") else 10) for name in NETWORKS} == counts
    with torch.device("meta"):
        for depth, width, count in ((16, 8, 10_961_370), (28, 10, 36_479_194)):
            assert sum(p.numel() for p in wide_resnet(10, depth, width).parameters()) == count


def test_networks_map_images_to_scores_of_every_class():
    with torch.device("meta"):
        for name, one in NETWORKS.items():
            assert one.build(7)(torch.empty(2, 3, one.side, one.side)).shape == (2, 7), name


def one_step(network, images, targets):
    """Loss, and the gradient in the order of the parameters, in float64."""
    network.double().train()
    loss = nn.functional.cross_entropy(network(images), targets)
    loss.backward()
    return loss.detach(), [p.grad for p in network.parameters()]


def agree(ours, theirs, images):
    """Equal weights give equal losses and gradients; parameters correspond in their order."""
    mine, other = (list(network.parameters()) for network in (ours, theirs))
    assert [p.shape for p in mine] == [p.shape for p in other]
    with torch.no_grad():
        for p, q in zip(mine, other, strict=True):
            q.copy_(p)
    targets = torch.arange(len(images))
    torch.manual_seed(5)
    loss, gradient = one_step(ours, images, targets)
    torch.manual_seed(5)
    expected, known = one_step(theirs, images, targets)
    assert loss == pytest.approx(float(expected), rel=1e-12)
    for p, q in zip(gradient, known, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-8, atol=1e-10)


def torchvision():
    """The module where it is installed; importing it may warn."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("needs torchvision: pip install 'riskkit[references]'")
    return importlib.import_module("torchvision.models")


@pytest.mark.filterwarnings("ignore")
def test_the_large_resnet_is_torchvisions():
    models = torchvision()
    torch.manual_seed(0)
    agree(NETWORKS["resnet18-imagenet"].build(10), models.resnet18(num_classes=10), torch.randn(2, 3, 64, 64).double())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_vgg_as_coded_is_torchvisions_with_its_dropout():
    models = torchvision()
    torch.manual_seed(0)
    agree(vgg16(10), models.vgg16(num_classes=10), torch.randn(2, 3, 32, 32).double())


@pytest.mark.filterwarnings("ignore")
def test_vgg_with_batch_norm_has_torchvisions_convolutions():
    models = torchvision()
    torch.manual_seed(0)
    theirs = models.vgg16_bn(num_classes=10)
    theirs.avgpool, theirs.classifier = nn.Identity(), nn.Linear(512, 10)
    agree(vgg16_bn(10), theirs, torch.randn(2, 3, 32, 32).double())


@pytest.mark.filterwarnings("ignore")
def test_the_small_resnet_is_torchvisions_with_another_stem():
    models = torchvision()
    torch.manual_seed(0)
    theirs = models.resnet18(num_classes=10)
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    agree(NETWORKS["resnet18"].build(10), theirs, torch.randn(2, 3, 32, 32).double())


def test_a_wide_block_is_its_definition():
    """No library has this network: y = conv(relu(bn(conv(relu(bn x))))) + shortcut(relu(bn x)), by hand."""
    torch.manual_seed(0)
    block = next(layer for layer in wide_resnet(10, 10, 1) if getattr(layer, "shortcut", None) is not None)
    x = torch.randn(2, block.bn1.num_features, 8, 8)

    def norm(z):
        return (z - z.mean((0, 2, 3), keepdim=True)) / (z.var((0, 2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()

    def conv(z, layer):
        return nn.functional.conv2d(z, layer.weight, stride=layer.stride, padding=layer.padding)

    a = norm(x).clamp(min=0)
    expected = conv(norm(conv(a, block.conv1)).clamp(min=0), block.conv2) + conv(a, block.shortcut)
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)


# Images on their way.


def test_a_cut_is_a_part_of_the_padded_image_flipped_or_not():
    images = torch.randint(1, 256, (64, 3, 6, 5), dtype=torch.uint8)
    found = cut(images, 3, 2, flip=True)
    padded = nn.functional.pad(images, (2,) * 4)
    seen = set()
    for image, own in zip(padded, found, strict=True):
        places = [
            (top, left, turned)
            for top in range(5)
            for left in range(5)
            for turned in (False, True)
            for part in [image[:, top : top + 6, left : left + 5]]
            if torch.equal(own, part.flip(2) if turned else part)
        ]
        assert len(places) == 1
        seen |= set(places)
    assert {turned for *_, turned in seen} == {False, True}
    assert {top for top, *_ in seen} == {left for _, left, _ in seen} == set(range(5))
    assert torch.equal(found, cut(images, 3, 2, flip=True))
    assert torch.equal(cut(images, 3, 0, flip=False), images)


def test_images_are_normalized_by_the_training_set(source):
    whole = torch.cat([x for x, _ in InMemory(source._images, CPU, padding=0).training([torch.arange(40)], [0])])
    torch.testing.assert_close(whole.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(whole.var((0, 2, 3), unbiased=False), torch.ones(3), atol=1e-4, rtol=0)


# Training.


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".tmp"}


@pytest.mark.parametrize("optimiser", TABLE3)
def test_a_run_that_is_killed_ends_in_the_same_bits(optimiser, source, tmp_path):
    """Epochs of 5 steps, rounds of 3: killed without warning inside the third epoch, and told to stop in the fourth."""
    own = plan(optimiser, k=3, beta=0.05, statistics=2, batch=8)
    whole = train(own, source, 1, tmp_path / "whole", CPU)
    assert whole["status"] == "complete"
    assert [epoch["epoch"] for epoch in whole["history"]] == [1, 2, 3, 4]
    assert whole["history"][-1]["loss"] < whole["history"][0]["loss"]

    def die(done, steps, loss):
        raise OSError("the power went out")

    with pytest.raises(OSError, match="power"):
        train(own, source, 1, tmp_path / "killed", CPU, told=die)  # told after step 10, before the checkpoint
    seen = torch.load(tmp_path / "killed" / "checkpoint.pt", weights_only=True)
    assert seen["step"] == 5
    told = []

    def stop(done, steps, loss):
        told.append(done)
        if len(told) == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt, match=r"after step 1[01] of 20, which is kept"):
        train(own, source, 1, tmp_path / "killed", CPU, told=stop)
    assert train(own, source, 1, tmp_path / "killed", CPU) == whole
    weights = [torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("whole", "killed")]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert sorted(files(tmp_path / "killed")) == ["run.json", "weights.pt"]


def test_a_run_goes_on_inside_an_epoch_with_dropout(source, tmp_path, monkeypatch):
    def dropping(classes):
        return nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(3072, classes))

    monkeypatch.setitem(NETWORKS, "small", Architecture(dropping, 32, ""))
    own = plan("SLA", epochs=2)
    whole = train(own, source, 1, tmp_path / "whole", CPU)
    steps = iter(range(100))
    real = Trainer.take

    def take(trainer, x, y):
        if next(steps) == 7:
            os.kill(os.getpid(), signal.SIGINT)
        return real(trainer, x, y)

    monkeypatch.setattr(Trainer, "take", take)
    with pytest.raises(KeyboardInterrupt, match="after step 8 of 10"):
        train(own, source, 1, tmp_path / "killed", CPU)
    state = torch.load(tmp_path / "killed" / "checkpoint.pt", weights_only=True)
    assert (state["step"], len(json.loads(state["history"]))) == (8, 1)
    assert train(own, source, 1, tmp_path / "killed", CPU) == whole


def test_optimizers_with_one_seed_see_the_same(source):
    first, second = (Trainer(plan(name), 10, 3, CPU) for name in ("SGD", "Adam"))
    for p, q in zip(first.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(p, q)
    other = Trainer(plan("SGD"), 10, 4, CPU)
    assert not torch.equal(next(other.network.parameters()), next(first.network.parameters()))


def test_the_code_paths_for_cuda_also_run_on_a_cpu(source):
    x, y = next(source.training([torch.arange(8)], [0]))
    plain, mixed = Trainer(plan(), 10, 0, CPU), Trainer(plan(precision="bfloat16", channels_last=True), 10, 0, CPU)
    weight = next(mixed.network.parameters())
    assert weight.is_contiguous(memory_format=torch.channels_last)
    losses = [float(trainer.take(x, y)) for trainer in (plain, mixed)]
    assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert losses[0] != losses[1]
    assert weight.dtype == torch.float32


def test_slow_weights_are_tested_with_statistics_of_their_own(source):
    """After 4 steps of a round of 5: the slow weights are the initial ones; statistics are means over batches."""
    trainer = Trainer(plan("SLA", statistics=3), 10, 0, CPU)
    start = copy.deepcopy(trainer.network)
    for x, y in source.training(torch.arange(32).split(8), range(4)):
        trainer.take(x, y)
    fast = copy.deepcopy(trainer.network.state_dict())
    seen = []
    real = source.training

    def watched(numbers, keys):
        for x, y in real(numbers, keys):
            seen.append(x)
            yield x, y

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "training", watched)
        with trainer.evaluated(source, 0) as network:
            weights, statistics = network[0].weight.clone(), network[1].running_mean.clone()
            assert not network.training
    assert torch.equal(weights, start[0].weight)
    assert len(seen) == 3
    by_hand = torch.stack([start[0](x).mean((0, 2, 3)) for x in seen]).mean(0)
    torch.testing.assert_close(statistics, by_hand.detach(), rtol=1e-4, atol=1e-6)
    for name, value in trainer.network.state_dict().items():
        assert torch.equal(value, fast[name]), name
    trainer.plan = plan("SLA", statistics=0)
    with trainer.evaluated(source, 0) as network:
        assert torch.equal(network[1].running_mean, fast["1.running_mean"])
        assert torch.equal(network[0].weight, start[0].weight)


def test_a_run_that_diverges_says_so(source, tmp_path):
    found = train(plan("SGD", epochs=3, batch=40), source, 0, tmp_path, CPU)
    assert found["status"] == "complete"
    wild = train(Plan("small", "SGD", 1e30, 0.0, epochs=9, batch=8), source, 0, tmp_path / "wild", CPU)
    assert wild["status"] == "diverged"
    (row,) = rows([wild])
    assert (row.diverged, np.isnan(row.last)) == (1, True)


@pytest.mark.parametrize(
    "name", ["resnet18", *(pytest.param(name, marks=pytest.mark.slow) for name in ("vgg16", "vgg16-bn", "wrn-16-10"))]
)
def test_every_network_takes_steps(name, source):
    trainer = Trainer(Plan(name, "SLRLA", 0.01, 1e-3, batch=2, statistics=1), 10, 0, CPU)
    x, y = next(source.training([torch.arange(2)], [0]))
    first = float(trainer.take(x, y))
    assert 1 < first < 6
    later = [float(trainer.take(x, y)) for _ in range(2 if name == "resnet18" else 10)]
    assert min(later) < first


@pytest.mark.slow
def test_the_large_resnet_takes_steps():
    trainer = Trainer(Plan("resnet18-imagenet", "SGD", 0.01, 1e-4, batch=2), 1000, 0, CPU)
    x, y = torch.randn(2, 3, 224, 224), torch.tensor([3, 999])
    losses = [float(trainer.take(x, y)) for _ in range(6)]
    assert losses[-1] < losses[0]


def test_memory_is_counted_before_it_is_asked_for():
    """The small network: what a step keeps, by hand, and copies of the parameters."""
    sgd, slrla, more = memory(plan("SGD"), 10), memory(plan("SLRLA"), 10), memory(plan("SGD", batch=16), 10)
    assert slrla - sgd == 3 * 4 * 6418  # slow weights, anchor, one more gradient
    image = (more - sgd) // 8
    # The image; the outputs of each convolution and of its ReLU, 16, 8 and 4 pixels a side; the last layer's input;
    # batch norm's four numbers a channel, for the two images that are tried.
    kept = 3 * 32 * 32 + sum(2 * width * side**2 for width, side in ((8, 16), (16, 8), (32, 4))) + 32 + 4 * 56 // 2
    assert image == 4 * kept
    assert memory(Plan("vgg16", "SGD", 0.1, 1e-3), 10) > 3 * 4 * 134_301_514


# Plans.


def test_the_recipe_is_the_papers_and_its_changes_are_named():
    paper = settled("resnet18", "SLRLA")
    assert (paper.lr, paper.weight_decay, paper.batch, paper.epochs) == (0.1, 1e-3, 128, 100)
    assert (paper.milestones, paper.factor, paper.k, paper.alpha) == ((0.3, 0.6, 0.8), 0.2, 5, 0.8)
    assert (paper.beta, paper.anchor_every, paper.stage_ends) == (0.2, 5, {30, 60, 80})
    assert paper.changed() == []
    assert settled("resnet18-imagenet", "SGD").epochs == 200
    assert settled("resnet18", "Adam") is None
    assert Plan("resnet18", "Adam", 1e-3, 0.0).changed() == ["lr", "weight_decay"]
    assert Plan("resnet18", "SGD", 0.1, 1e-3, k=9, beta=3.0, precision="bfloat16").changed() == []
    assert Plan("resnet18", "SLRLA", 0.1, 1e-3, epochs=9, beta=0.1).changed() == ["epochs", "beta"]
    published = Plan("small", "SLRLA", 0.1, 1e-3, anchor_every=0).optimizer([nn.Parameter(torch.zeros(1))])
    assert published.param_groups[0]["slrla_anchor_every"] is None


# Tables.


def result(optimiser, seed, right, halves, **changes):
    own = plan(optimiser, epochs=len(halves))
    data = {"name": "CIFAR-10", "content": "x", "train": 50, "test": len(right)}
    return {
        "identity": {"plan": {**own.identity(), "network": "resnet18"}, "data": data, "seed": seed},
        "status": "complete",
        "official": True,
        "changed": own.changed(),
        "statistics": "own",
        "history": [{"epoch": i + 1, "right": half} for i, half in enumerate(halves)],
        "right": np.packbits(np.array(right, bool)).tobytes().hex(),
        **changes,
    }


def test_a_row_has_the_errors_of_seeds_and_of_the_test_sample():
    right = np.array([[1, 1, 1, 0, 1, 0, 1, 1, 0, 1], [1, 1, 0, 0, 1, 1, 1, 1, 1, 1]])
    runs = [
        result("SLRLA", 0, right[0], [[4, 4], [3, 4]]),
        result("SLRLA", 1, right[1], [[3, 5], [4, 4]]),
        result("SGD", 1, right[0], [[3, 3], [3, 4]]),
    ]
    row, other = rows(runs)
    assert (row.last, row.best, row.paper, other.paper) == (75.0, 80.0, 95.47, 95.23)
    assert row.over_seeds == pytest.approx(5.0)
    assert row.over_test == pytest.approx(100 * np.std(right.mean(0)) / np.sqrt(10))
    assert other.over_test == pytest.approx(100 * np.sqrt(0.7 * 0.3 / 10))
    # Seed 0: chosen on the even half: epoch 1, 80 - 80 less 60 - 80; on the odd: epoch 1, 0 less 20. Mean 0.
    # Seed 1: even: epoch 2, (80 - 80) - (80 - 80); odd: epoch 1, (100 - 60) - 0. Mean 20.
    assert row.optimism == pytest.approx((0 + 20) / 2)
    (one,) = differences(runs)
    assert (one.first.optimiser, one.second.optimiser, one.seeds) == ("SLRLA", "SGD", 1)
    gap = right[1] - right[0]
    assert one.difference == pytest.approx(100 * gap.mean())
    assert one.over_test == pytest.approx(100 * gap.std() / np.sqrt(10))
    assert one.apart == pytest.approx(30.0)
    assert np.isnan(one.over_seeds)
    made = tables(runs)
    assert [len(table.rows) for table in made] == [2, 1]
    assert "test sample (10 images)" in made[0].caption


def test_the_paper_stands_beside_its_own_data_only():
    def paper(**changes):
        run = result("SGD", 0, [1, 0], [[1, 0]])
        for key, value in changes.items():
            run["identity"]["data" if key in ("name", "train", "test") else "plan"][key] = value
        return rows([run | {"official": changes.get("name") != "mine"}])[0].paper

    assert paper() == 95.23
    assert paper(name="CIFAR-100", network="wrn-16-10") == 78.95
    assert paper(network="vgg16-bn") is None
    assert paper(name="mine") is None


def test_optimism_of_many_useless_epochs_is_that_of_chance():
    """Networks that guess: the best of 50 epochs on 200 images, whose optimism is known from the binomial's maximum."""
    draw = np.random.default_rng(0)
    found, known = [], []
    for seed in range(200):
        halves = draw.binomial(100, 0.5, (50, 2))
        run = result("SGD", seed, np.zeros(200), halves.tolist())
        found.append(rows([run])[0].optimism)
        known.append(halves[:, 0].max() - 50)
    error = np.hypot(np.std(found), np.std(known)) / np.sqrt(200)
    assert abs(np.mean(found) - np.mean(known)) < 4 * error
    assert np.mean(found) > 8


# The command.


def told(capsys, *words):
    status = main(["train", *map(str, words)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_the_command_trains_tabulates_and_goes_on(archive, tmp_path, capsys):
    words = ["--data", archive, "--any-archive", "--network", "small", "--epochs", 1, "--batch", 20]
    words += ["--optimiser", "SGD", "SLRLA", "--out", tmp_path / "out", "--threads", 1]
    status, out, err = told(capsys, *words, "--seeds", 1)
    assert (status, err) == (0, "")
    assert re.search(r"\| CIFAR-10 \| small \| SLRLA \| 1 \| 1 \| 0 \|", out)
    assert "SLRLA - SGD" in out
    assert (tmp_path / "out" / "training.md").read_text() in out
    assert r"\begin{tabular}" in (tmp_path / "out" / "training_accuracies.tex").read_text()
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*/run.json")}
    assert len(before) == 2
    assert told(capsys, *words, "--seeds", 2)[0] == 0
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*/run.json")}
    assert len(after) == 4
    assert before.items() <= after.items()


def test_speed_is_measured_on_random_images(capsys):
    status, out, _ = told(capsys, "--measure", "--network", "small", "--batch", 4, "--epochs", 3, "--seconds", 0.1)
    assert status == 0
    speed = float(re.search(r"([\d.,]+) images/s", out)[1].replace(",", ""))
    hours = float(re.search(r"50,000 training images x 3 epochs: ([\d.,]+) h", out)[1])
    assert hours == pytest.approx(150_000 / speed / 3600, abs=0.06)


def test_bad_input_is_one_line_and_loses_nothing(archive, tmp_path, capsys, monkeypatch):
    good = ["--data", archive, "--any-archive", "--network", "small", "--out", tmp_path / "out"]
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:2000])
    missing = write(tmp_path / "missing.tar.gz", without=("test_batch.bin",))
    hostile = write(tmp_path / "hostile.tar.gz", "cifar-10-python", replaced={"test_batch": b"cos\nsystem\n(U\x01xtR."})
    for words, said in (
        (["--network", "resnet19"], "resnet18"),
        (["--optimiser", "SLRA", *good[:-2]], "SLRLA"),
        (["--optimiser", "Adam", *good], "--lr and --weight-decay must be given for Adam"),
        ([good[0], tmp_path / "none.tar.gz"], "No such file"),
        (good[:2], "MD5 checksum must be c32a1d4a"),
        ([*good, "--data", cut], "damaged or cut off"),
        ([*good, "--data", missing], "test_batch.bin is missing"),
        ([*good, "--data", hostile], "names os.system"),
        ([*good, "--data", tmp_path], "train/ is missing"),
        ([*good, "--network", "resnet18-imagenet"], "for a folder of images"),
        (["--network", "small"], "--data is missing"),
        ([*good, "--seeds", 0], "--seeds must be at least 1"),
        ([*good, "--lr", -1], "lr"),
        ([*good, "--k", 0], "k"),
        ([*good, "--alpha", 1.5], "alpha"),
        ([*good, "--milestones", 0.8, 0.3], "milestones"),
        ([*good, "--device", "cuda:99"], "CUDA devices"),
        ([*good, "--device", "tpu"], "--device must be cpu"),
        ([*good, "--epochs", 0], "epochs"),
    ):
        status, out, err = told(capsys, *words)
        assert (status, out, err.count("\n")) == (2, "", 1), (words, err)
        assert said in err, (words, err)
    assert not (tmp_path / "out").exists()
    with monkeypatch.context() as patch:
        patch.setattr("riskkit.execution.tasks.physical_memory", lambda: 2**10)
        status, _, err = told(capsys, *good)
    assert (status, err.count("\n")) == (2, 1)
    assert "needs 0.0 GiB at least" in err
    assert not (tmp_path / "out").exists()


def test_what_was_kept_and_is_damaged_is_told_before_anything_is_trained(archive, tmp_path, capsys):
    words = ["--data", archive, "--any-archive", "--network", "small", "--epochs", 1, "--batch", 20, "--seeds", 1]
    words += ["--optimiser", "SGD", "--out", tmp_path / "out"]
    assert told(capsys, *words)[0] == 0
    (folder,) = (path.parent for path in (tmp_path / "out").glob("*/run.json"))
    whole = (folder / "run.json").read_text()
    (folder / "run.json").write_text(whole[:100])
    status, _, err = told(capsys, *words)
    assert (status, err.count("\n"), "no result that can be read" in err) == (2, 1, True)
    (folder / "run.json").unlink()
    (folder / "checkpoint.pt").write_bytes(b"torn")
    status, _, err = told(capsys, *words)
    assert (status, err.count("\n"), "no checkpoint that can be read" in err) == (2, 1, True)
    assert (folder / "checkpoint.pt").read_bytes() == b"torn"


def test_an_interrupted_command_says_what_is_kept(archive, tmp_path, capsys, monkeypatch):
    real = Trainer.take

    def take(trainer, x, y):
        os.kill(os.getpid(), signal.SIGINT)
        return real(trainer, x, y)

    monkeypatch.setattr(Trainer, "take", take)
    words = ["--data", archive, "--any-archive", "--network", "small", "--epochs", 1, "--batch", 20, "--seeds", 1]
    status, _, err = told(capsys, *words, "--out", tmp_path / "out")
    assert (status, err.count("\n")) == (130, 1)
    assert "interrupted; after step 1 of 2, which is kept" in err
    monkeypatch.setattr(Trainer, "take", real)
    assert told(capsys, *words, "--out", tmp_path / "out")[0] == 0


@pytest.mark.skipif(importlib.util.find_spec("PIL") is None, reason="needs pillow")
def test_a_folder_of_images_is_trained_on_and_a_damaged_one_stops_it(tmp_path, capsys):
    folder = tree(tmp_path / "pets")
    words = ["--data", folder, "--network", "small", "--epochs", 1, "--batch", 3, "--seeds", 1, "--workers", 0]
    status, out, _ = told(capsys, *words, "--out", tmp_path / "out")
    assert status == 0
    assert re.search(r"\| pets \| small \| SLRLA \| 1 \| 1 \| 0 \|", out)
    (folder / "val" / "dog" / "1.png").write_bytes(b"no image")
    status, _, err = told(capsys, *words, "--out", tmp_path / "other")
    assert (status, err.count("\n")) == (1, 1)
    assert "1.png cannot be decoded (UnidentifiedImageError); replace it. The last checkpoint is kept." in err


def test_memory_that_runs_out_on_the_way_stops_the_command(archive, tmp_path, capsys, monkeypatch):
    def take(trainer, x, y):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr(Trainer, "take", take)
    words = ["--data", archive, "--any-archive", "--network", "small", "--epochs", 1, "--out", tmp_path / "out"]
    status, _, err = told(capsys, *words)
    assert (status, err.count("\n")) == (1, 1)
    assert "memory ran out" in err
