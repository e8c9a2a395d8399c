"""Makes the fixtures beside this file with PyTorch (2.6 was used): three steps of training a small grainnet.

Usage: make.py [FOLDER]
"""
import json
import os
import sys

import numpy as np
import torch
import torch.nn as nn
from torch.nn.functional import cross_entropy

WIDTH, BLOCKS, SIZE, BATCH, STEPS = 16, 2, 32, 4, 3


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

    def forward(self, x):
        y = torch.relu(self.first_norm(self.first(x)))
        return torch.relu(self.second_norm(self.second(y)) + self.shortcut(x))


class GrainNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False)
        self.stem_norm = nn.BatchNorm2d(WIDTH)
        stages = min(3, BLOCKS)
        widths = [WIDTH] + [WIDTH << (k * stages // BLOCKS) for k in range(BLOCKS)]
        self.blocks = nn.Sequential(*[Block(i, o) for i, o in zip(widths, widths[1:])])
        self.dense = nn.Linear(widths[-1], 2)

    def forward(self, x):
        x = nn.functional.max_pool2d(torch.relu(self.stem_norm(self.stem(x))), 3, 2, 1)
        return self.dense(self.blocks(x).mean((2, 3)))


def flat(tensors):
    return torch.cat([t.detach().reshape(-1) for t in tensors]).numpy().astype(np.float32)


def statistics(net):
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    return flat([m.running_mean for m in norms] + [m.running_var for m in norms])


def main(folder):
    rng = np.random.default_rng(1)
    torch.manual_seed(1)
    start = GrainNet()
    with torch.no_grad():
        for module in start.modules():
            if isinstance(module, nn.BatchNorm2d):  # some scales negative
                module.weight.copy_(torch.randn_like(module.weight) * 0.5 + 0.5)
                module.bias.copy_(torch.randn_like(module.bias) * 0.3)
    images = rng.standard_normal((STEPS, BATCH, 3, SIZE, SIZE)).astype(np.float32)
    labels = rng.integers(0, 2, (STEPS, BATCH))
    np.save(os.path.join(folder, "images.npy"), images.reshape(-1, 3, SIZE, SIZE))
    np.save(os.path.join(folder, "start.npy"), flat(start.parameters()))
    record = {"width": WIDTH, "blocks": BLOCKS, "size": SIZE, "batch": BATCH, "labels": labels.tolist()}
    for name in ("sgd", "adamw"):
        net = GrainNet()
        net.load_state_dict(start.state_dict())
        net.train()
        decaying = [p for p in net.parameters() if p.ndim > 1]
        others = [p for p in net.parameters() if p.ndim == 1]
        groups = [{"params": decaying, "weight_decay": 0.01}, {"params": others, "weight_decay": 0}]
        rate = 0.05 if name == "sgd" else 0.003
        optimizer = torch.optim.SGD(groups, rate, momentum=0.9) if name == "sgd" else torch.optim.AdamW(groups, rate)
        losses = []
        for step in range(STEPS):
            optimizer.zero_grad()
            loss = cross_entropy(net(torch.from_numpy(images[step])), torch.from_numpy(labels[step]))
            loss.backward()
            if step == 0:
                np.save(os.path.join(folder, "gradient.npy"), flat([p.grad for p in net.parameters()]))
            optimizer.step()
            losses.append(loss.item())
        np.save(os.path.join(folder, name + "_end.npy"), flat(net.parameters()))
        np.save(os.path.join(folder, name + "_statistics.npy"), statistics(net))
        record[name] = {"losses": losses, "rate": rate, "weight_decay": 0.01}
        if name == "sgd":
            net.eval()
            with torch.no_grad():
                probability = torch.softmax(net(torch.from_numpy(images[0])), 1)
            record["probabilities_after_sgd"] = probability.tolist()
    with open(os.path.join(folder, "record.json"), "w") as file:
        json.dump(record, file, indent=1)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)))
