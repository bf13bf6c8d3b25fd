"""PyTorch: the same network with fused Adam and a SummaryWriter that writes the same data at the same intervals."""

import os

from legacy_graph.config import Config, is_image_step
from legacy_graph.data import mnist
from tests.benchmarks.workers import Unavailable

TESTED, CHUNK = 1000, 500


def channels_last(settings):
    """As `fused`, with NHWC arrays."""
    return fused(settings, memory_format="channels_last")


def compiled(settings):
    """As `channels_last`, compiled by `torch.compile`, which needs a C++ compiler."""
    os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # otherwise torch starts processes that do not end
    try:
        return fused(settings, memory_format="channels_last", compile=True)
    except RuntimeError as error:
        raise Unavailable(str(error).strip().splitlines()[0][:80]) from error


def fused(settings, memory_format="contiguous_format", compile=False):
    """Training steps with scalars, histograms, images and tests at our intervals, without deconvolution."""
    import torch
    from torch.utils.tensorboard import SummaryWriter

    torch.manual_seed(0)
    data, config = mnist.load(settings.data_dir), Config()
    order = getattr(torch, memory_format)
    plain = _network(torch).to(memory_format=order)
    model = torch.compile(plain, dynamic=False) if compile else plain
    optimizer = torch.optim.Adam(plain.parameters(), 1e-4, fused=True)
    criterion = torch.nn.CrossEntropyLoss(reduction="sum")

    def as_images(pixels):
        return torch.from_numpy(pixels.reshape(-1, 1, 28, 28)).to(memory_format=order)

    batches = mnist.batches(data.train, 50, seed=0)
    test_images = as_images(mnist.scale_pixels(data.test.images[:TESTED]))
    test_labels = torch.from_numpy(data.test.labels[:TESTED].astype("int64"))
    writer = SummaryWriter(settings.folder)
    counter = iter(range(settings.steps))

    def step(number):
        pictures, answers = next(batches)
        images, labels = as_images(pictures), torch.from_numpy(answers)
        output = model(images)
        loss = criterion(output, labels)
        optimizer.zero_grad()
        loss.backward()
        if number % config.summary_every == 0:
            writer.add_scalar("loss", loss, number)
            writer.add_scalar("accuracy", (output.argmax(1) == labels.argmax(1)).float().mean(), number)
            with torch.no_grad():
                _scalars(plain, writer, number)
        if number % config.histogram_every == 0:
            for name, values in plain.named_parameters():
                writer.add_histogram(name, values, number)
        if is_image_step(number, config.image_every):
            writer.add_images("input", test_images[:10], number)
        if number % config.test_every == 0:
            with torch.no_grad():
                parts = [model(part).argmax(1) for part in test_images.split(CHUNK)]
            writer.add_scalar("test/accuracy", (torch.cat(parts) == test_labels).float().mean(), number)
        optimizer.step()
        return loss.item()

    def advance(steps):
        for _ in range(steps):
            step(next(counter))

    advance(11)
    return advance


def _scalars(model, writer, number):
    for name, values in model.named_parameters():
        for what in ("mean", "std", "max", "min"):
            writer.add_scalar(f"{name}/{what}", getattr(values, what)(), number)


def _network(torch):
    layer = torch.nn
    model = layer.Sequential(
        layer.Conv2d(1, 32, 5, padding=2),
        layer.ReLU(),
        layer.MaxPool2d(2),
        layer.Conv2d(32, 64, 5, padding=2),
        layer.ReLU(),
        layer.MaxPool2d(2),
        layer.Flatten(),
        layer.Linear(3136, 1024),
        layer.ReLU(),
        layer.Linear(1024, 10),
    )
    with torch.no_grad():
        for name, values in model.named_parameters():
            if name.endswith("bias"):
                values.fill_(0.1)
            else:
                layer.init.trunc_normal_(values, std=0.1, a=-0.2, b=0.2)
    return model
