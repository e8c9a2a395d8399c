"""Architectures of torchvision, exported to ONNX with random weights: gradients against PyTorch's, and conservation of LRP.

Usage: zoo.py BINARY [MODEL...]   (needs Debian's python3-torch and python3-torchvision; ends with "N passed, N failed[, N skipped]")

Batch norms get the statistics of structured noise, so that activations keep a natural size in every layer. The reference
gradient is PyTorch's in float64 on the float32 weights. Relevance starts at 1 and no bias takes any away
(zero_params=bias), so that its sum over the input must be 1.
"""
import contextlib
import io
import os
import subprocess
import sys
import tempfile
import warnings

# name: side of the input. Small where the architecture takes it; AlexNet and VGG export with their own size only.
MODELS = {
    "alexnet": 224, "vgg11_bn": 224, "resnet18": 96, "resnet50": 64, "squeezenet1_1": 96, "densenet121": 64, "googlenet": 96,
    "mobilenet_v2": 96, "mobilenet_v3_large": 96, "efficientnet_b0": 96, "shufflenet_v2_x1_0": 96, "regnet_y_400mf": 96,
    "mnasnet1_0": 96, "convnext_tiny": 64,
}
CLASSES = 20
GRADIENT_TOLERANCE = 1e-3  # of the largest value

# Relevance methods and their parameters. gamma's box takes what it leaves out at the bounds of the pixels, so it needs them.
CONSERVING = {
    "lrp-epsilon": [],
    "lrp-epsilon-plus": [],
    "lrp-epsilon-gamma-box": ["low=-4", "high=4"],
}
# |sum - 1| relative to the sum of magnitudes + 1: signed relevance cancels, and what cancels is only known to float32.
CONSERVATION_TOLERANCE = 1e-3


def structured_noise(torch, count, side, generator):
    """Sums of random patterns of several scales, of about unit variance: what photographs look like to a first layer."""
    out = torch.zeros(count, 3, side, side)
    for scale in (4, 8, 16, side):
        coarse = torch.randn(count, 3, scale, scale, generator=generator)
        out += torch.nn.functional.interpolate(coarse, size=(side, side), mode="bilinear", align_corners=False)
    return out / 2


def narrow_head(torch, net, width=256):
    """The three dense layers with fewer units: the same layers, without the 0.4 GB of weights that say nothing here."""
    dense = [i for i, m in enumerate(net.classifier) if isinstance(m, torch.nn.Linear)]
    inputs = net.classifier[dense[0]].in_features
    for i in dense:
        outputs = net.classifier[i].out_features if i == dense[-1] else width
        net.classifier[i] = torch.nn.Linear(inputs, outputs)
        inputs = outputs


def build(torch, torchvision, name, side):
    """The network with random weights and batch-norm statistics of noise that went through it; and two inputs."""
    torch.manual_seed(sum(map(ord, name)))
    options = {"aux_logits": False} if name == "googlenet" else {}
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        net = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, init_weights=True, **options) \
            if name == "googlenet" else getattr(torchvision.models, name)(weights=None, num_classes=CLASSES)
    if name in ("alexnet", "vgg11_bn"):
        narrow_head(torch, net)
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
    return net, structured_noise(torch, 2, side, generator)


def export(torch, net, x, path):
    options = {"input_names": ["input"], "output_names": ["logits"], "dynamic_axes": {"input": {0: "N"}, "logits": {0: "N"}},
               "opset_version": 16, "training": torch.onnx.TrainingMode.PRESERVE}  # PRESERVE: batch norms stay nodes
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        try:
            torch.onnx.export(net, x, path, dynamo=False, **options)
        except TypeError:  # before PyTorch 2.5 there was one exporter
            torch.onnx.export(net, x, path, **options)


def reference(torch, net, x, target):
    net = net.double()
    x = x.double().requires_grad_()
    net(x)[:, target].sum().backward()
    return x.grad


def explain(numpy, binary, folder, model, method, parameters, target):
    out = os.path.join(folder, "out.npy")
    command = [binary, "explain", "--model", model, "--input", os.path.join(folder, "input.npy"), "--method", method,
               "--target", str(target), "--output", out]
    for p in parameters:
        command += ["--param", p]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip() or f"exit status {run.returncode}")
    return numpy.load(out).astype("float64")


def check_gradient(numpy, found, expected):
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    peak = numpy.abs(expected).max()
    worst = numpy.abs(found - expected).max() / peak
    if not peak > 0:
        return "the reference is zero everywhere"
    return "" if worst <= GRADIENT_TOLERANCE else f"differs by {worst:.1e} of the largest value"


def check_conservation(numpy, relevance):
    for sample in relevance:
        total, size = sample.sum(), numpy.abs(sample).sum()
        if not abs(total - 1) <= CONSERVATION_TOLERANCE * (1 + size):
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
    passed = failed = 0
    target = 3
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            model = os.path.join(folder, name + ".onnx")
            net, x = build(torch, torchvision, name, MODELS[name])
            numpy.save(os.path.join(folder, "input.npy"), x.numpy())
            export(torch, net, x[:1], model)
            expected = reference(torch, net, x, target).numpy()
            for method, parameters in {"gradient": [], **{m: p + ["zero_params=bias"] for m, p in CONSERVING.items()}}.items():
                try:
                    result = explain(numpy, binary, folder, model, method, parameters, target)
                    fault = check_gradient(numpy, result, expected) if method == "gradient" else check_conservation(numpy, result)
                except (RuntimeError, OSError) as problem:
                    fault = str(problem)
                passed += not fault
                failed += bool(fault)
                if fault:
                    print(f"FAIL {name} {method}: {fault}", flush=True)
            os.remove(model)
    print(f"Model zoo: {len(names)} architectures")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or any(name not in MODELS for name in sys.argv[2:]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:] or list(MODELS)))
