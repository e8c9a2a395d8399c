"""Times steps of training a grainnet in PyTorch, in its default layout: what `kernelscope bench training` does.

Usage: train_pytorch.py [--width 32] [--blocks 6] [--size 224] [--batch 16] [--threads 2] [--steps 20]
                        [--channels-last]
Prints one JSON object with the keys of `kernelscope bench training --json`.
"""
import argparse
import json
import time

import torch
import torch.nn as nn


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Identity()
        if stride == 2:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.first_norm(self.first(x)))
        y = self.second_norm(self.second(y))
        y += self.shortcut(x)
        return self.relu(y)


def grainnet(width, blocks):
    stages = min(3, blocks)
    widths = [width] + [width << (k * stages // blocks) for k in range(blocks)]
    return nn.Sequential(
        nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1),
        *[Block(i, o) for i, o in zip(widths, widths[1:])],
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 2))


def main():
    parser = argparse.ArgumentParser()
    for name, default in dict(width=32, blocks=6, size=224, batch=16, threads=2, steps=20).items():
        parser.add_argument("--" + name, type=int, default=default)
    parser.add_argument("--channels-last", action="store_true")
    o = parser.parse_args()
    torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    net = grainnet(o.width, o.blocks).train()
    images = torch.randn(o.batch, 3, o.size, o.size)
    if o.channels_last:
        net = net.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    labels = torch.arange(o.batch) % 2
    optimizer = torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, weight_decay=1e-4)
    times = []
    for step in range(3 + o.steps):
        begin = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()
        optimizer.step()
        if step >= 3:
            times.append(time.perf_counter() - begin)
    times.sort()
    median = times[len(times) // 2]
    print(json.dumps({"pytorch": torch.__version__, "channels_last": o.channels_last, "threads": o.threads,
                      "milliseconds": 1e3 * median, "best_milliseconds": 1e3 * times[0],
                      "images_per_second": o.batch / median}))


main()
