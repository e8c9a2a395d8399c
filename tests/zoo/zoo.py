"""Architectures of torchvision, exported to ONNX with random weights: gradients against PyTorch's, and conservation of LRP.

Usage: zoo.py BINARY [MODEL...]   (needs Debian's python3-torch and python3-torchvision; ends with "N passed, N failed[, N skipped]")

Batch norms get the statistics of structured noise, so that activations keep a natural size in every layer. The reference
gradient is PyTorch's in float64 on the float32 weights. For LRP, which starts with a relevance of 1, all biases and batch-norm
shifts are set to zero: then no rule may lose relevance, and its sum over the input must be 1.
"""
import contextlib
import copy
import io
import os
import subprocess
import sys
import tempfile
import warnings

# name: side of the input, near the smallest that the architecture takes.
MODELS = {
    "alexnet": 96, "vgg11_bn": 32, "resnet18": 64, "resnet50": 32, "squeezenet1_1": 64, "densenet121": 32, "googlenet": 48,
    "mobilenet_v2": 48, "mobilenet_v3_large": 64, "efficientnet_b0": 64, "shufflenet_v2_x1_0": 64, "regnet_y_400mf": 64,
    "mnasnet1_0": 48, "convnext_tiny": 64,
}
CLASSES = 20
TARGET = 3
# Of the largest value. In deep networks with random weights no input may be steady: float32 rounding then turns some ReLU
# around, and no program in float32 can come nearer to the reference than that moves it. There three times the move counts.
GRADIENT_TOLERANCE = 1e-3
STEADY = 1e-4              # a gradient that moves by less, of its largest value, does not jump
BATCHES, BATCH = 3, 8      # inputs that are tried until two are steady

# Relevance methods and their parameters. The larger gamma, the less positive and negative relevance cancel.
CONSERVING = {
    "lrp-epsilon": ["epsilon=1e-9"],
    "lrp-epsilon-plus": ["epsilon=1e-9", "stabilizer=1e-9"],
    "lrp-epsilon-gamma-box": ["epsilon=1e-9", "stabilizer=1e-9", "gamma=10", "low=-8", "high=8"],
}
# Where the rule itself does not conserve. In these networks what follows a depthwise convolution keeps negative values. The
# z-plus rule shares by positive contributions; with few inputs in a window a negative output often has none.
NOT_CONSERVING = {(name, "lrp-epsilon-plus")
                  for name in ("mobilenet_v3_large", "efficientnet_b0", "shufflenet_v2_x1_0", "convnext_tiny")}
CONSERVATION_TOLERANCE = 1e-3  # of the relevance that starts, which is 1


def structured_noise(torch, count, side, generator):
    """Sums of random patterns of several scales, of about unit variance: what photographs look like to a first layer."""
    out = torch.zeros(count, 3, side, side)
    for scale in (4, 8, 16, side):
        coarse = torch.randn(count, 3, scale, scale, generator=generator)
        out += torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    return out / 2


def shrink_head(torch, net, width=256):
    """AlexNet and VGG pool to 6x6 or 7x7 and export for images of 224x224 only, with 0.2 to 0.5 GB of dense weights. Pooled to
    1x1 and with fewer units in the three dense layers, their convolutions work on small images."""
    dense = [i for i, m in enumerate(net.classifier) if isinstance(m, torch.nn.Linear)]
    side = net.avgpool.output_size[0]
    net.avgpool = torch.nn.AdaptiveAvgPool2d(1)
    inputs = net.classifier[dense[0]].in_features // side ** 2
    for i in dense:
        outputs = net.classifier[i].out_features if i == dense[-1] else width
        net.classifier[i] = torch.nn.Linear(inputs, outputs)
        inputs = outputs


def build(torch, torchvision, name, side):
    """The network with random weights and batch-norm statistics of noise that went through it."""
    torch.manual_seed(sum(map(ord, name)))
    options = {"aux_logits": False} if name == "googlenet" else {}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        net = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, init_weights=True, **options) \
            if name == "googlenet" else getattr(torchvision.models, name)(weights=None, num_classes=CLASSES)
    if name in ("alexnet", "vgg11_bn"):
        shrink_head(torch, net)
    generator = torch.Generator().manual_seed(7)
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for m in norms:
        m.momentum = None  # the plain average of what it sees
        with torch.no_grad():
            m.weight.uniform_(0.6, 1.4, generator=generator)
            m.bias.normal_(0, 0.2, generator=generator)
    net.train()
    for m in net.modules():
        if isinstance(m, torch.nn.Dropout) or type(m).__name__ == "StochasticDepth":
            m.eval()
    with torch.no_grad():
        for _ in range(3 if norms else 0):
            net(structured_noise(torch, 6, side, generator))
        for key, value in net.named_parameters():
            if key.endswith("layer_scale"):
                value.fill_(0.5)  # ConvNeXt starts its blocks at 1e-6: they would add nothing
    net.eval()
    return net


def steady_inputs(torch, net, side):
    """Two inputs whose gradient does not jump when they move by about what float32 rounding moves activations, and their
    gradients in float64: near a bend of a ReLU or a tie of a max-pool gradients jump, and which side they take is chance."""
    generator = torch.Generator().manual_seed(11)
    best = []  # (jump, input)
    for _ in range(BATCHES):
        x = structured_noise(torch, BATCH, side, generator)
        before = gradient(net, x)
        jump = torch.zeros(BATCH)
        for _ in range(2):
            change = gradient(net, x + 5e-6 * torch.randn(x.shape, generator=generator)) - before
            jump = torch.maximum(jump, change.abs().amax((1, 2, 3)) / before.abs().amax((1, 2, 3)))
        best = sorted(best + list(zip(jump.tolist(), x)), key=lambda entry: entry[0])[:2]
        if best[-1][0] < STEADY:
            break
    x = torch.stack([entry[1] for entry in best])
    return x, gradient(copy.deepcopy(net).double(), x.double()), best[-1][0]


def gradient(net, x):
    x = x.clone().requires_grad_()
    net(x)[:, TARGET].sum().backward()
    return x.grad


def remove_biases(torch, net):
    with torch.no_grad():
        for m in net.modules():
            for key in ("bias", "running_mean"):
                if isinstance(getattr(m, key, None), torch.Tensor):
                    getattr(m, key).zero_()


def export(torch, net, x, path):
    options = {"input_names": ["input"], "output_names": ["logits"], "dynamic_axes": {"input": {0: "N"}, "logits": {0: "N"}},
               "opset_version": 16, "training": torch.onnx.TrainingMode.PRESERVE}  # PRESERVE: batch norms stay nodes
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(net, x, path, dynamo=False, **options)
        except TypeError:  # before PyTorch 2.5 there was one exporter
            torch.onnx.export(net, x, path, **options)


def explain(numpy, binary, folder, model, method, parameters):
    out = os.path.join(folder, "out.npy")
    command = [binary, "explain", "--model", model, "--input", os.path.join(folder, "input.npy"), "--method", method,
               "--target", str(TARGET), "--output", out]
    for p in parameters:
        command += ["--param", p]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip() or f"exit status {run.returncode}")
    return numpy.load(out).astype("float64")


def check_gradient(numpy, found, expected, jump):
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    peak = numpy.abs(expected).max()
    worst = numpy.abs(found - expected).max() / peak
    if not peak > 0:
        return "the reference is zero everywhere"
    tolerance = GRADIENT_TOLERANCE if jump < STEADY else max(GRADIENT_TOLERANCE, 3 * jump)
    return "" if worst <= tolerance else f"differs by {worst:.1e} of the largest value, more than {tolerance:.1e}"


class Skipped(Exception):
    """A check that would say nothing, and why."""


def check_conservation(numpy, relevance):
    for sample in relevance:
        total, size = sample.sum(), numpy.abs(sample).sum()
        if not abs(total - 1) <= CONSERVATION_TOLERANCE:
            return f"relevance sums to {total:.6g} instead of 1 (magnitudes: {size:.3g})"
    return ""


def main(binary, names):
    checks = 1 + len(CONSERVING)
    try:
        import numpy
        import torch
        import torchvision
    except ImportError as missing:
        print(f"Model zoo: skipped, because {missing.name or missing} is not installed (Debian: python3-torch, python3-torchvision)")
        print(f"0 passed, 0 failed, {checks * len(names)} skipped")
        return 0
    torch.set_num_threads(max(1, min(2, os.cpu_count() or 1)))
    print(f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}")
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "model.onnx")
        for name in names:
            net = build(torch, torchvision, name, MODELS[name])
            x, expected, jump = steady_inputs(torch, net, MODELS[name])
            numpy.save(os.path.join(folder, "input.npy"), x.numpy())
            for method in ["gradient", *CONSERVING]:
                if method in ("gradient", list(CONSERVING)[0]):
                    if method != "gradient":
                        remove_biases(torch, net)
                    export(torch, net, x[:1], model)
                try:
                    if method == "gradient":
                        fault = check_gradient(numpy, explain(numpy, binary, folder, model, method, []), expected.numpy(), jump)
                    else:
                        if (name, method) in NOT_CONSERVING:
                            raise Skipped("its rule has no positive contribution to share by under some depthwise convolutions")
                        relevance = explain(numpy, binary, folder, model, method, CONSERVING[method] + ["zero_params=bias"])
                        fault = check_conservation(numpy, relevance)
                except Skipped as reason:
                    skipped += 1
                    print(f"skipped {name} {method}: {reason}", flush=True)
                    continue
                except (RuntimeError, OSError) as problem:
                    fault = str(problem)
                passed += not fault
                failed += bool(fault)
                if fault:
                    print(f"FAIL {name} {method}: {fault}", flush=True)
    print(f"Model zoo: {len(names)} architectures, {checks} checks each")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or any(name not in MODELS for name in sys.argv[2:]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:] or list(MODELS)))
