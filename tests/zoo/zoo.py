"""Architectures of torchvision, exported to ONNX with random weights: what must hold of explanations of any network.

Usage: zoo.py BINARY [MODEL...]   (needs Debian's python3-torch and python3-torchvision; ends with "N passed, N failed[, N skipped]")

Batch norms get the statistics of structured noise, so that activations keep a natural size in every layer. The reference is
PyTorch in float64 on the float32 weights: its gradients and central differences, its scores for completeness, its scores of
all coalitions of segments for exact Shapley values. For LRP, which starts with a relevance of 1, all biases and batch-norm
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
DIRECTIONS, STEP = 4, 1e-8  # of central differences in float64: a bend of a ReLU is rarely that near
BATCH_TOLERANCE = 1e-4     # of the largest value: another batch size sums in another order
STEPS = (100, 800)         # of integrated gradients: more where gradients jump so often that few do not meet the integral
INTEGRATION_TOLERANCE = 0.02  # of the sum of magnitudes
COMPLETENESS_TOLERANCE = 1e-3  # of the sum of magnitudes, for rules that are complete exactly
SHAPLEY_TOLERANCE = 1e-4   # of the largest value

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


def steady_inputs(torch, net, exact, side):
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
    return x, gradient(exact, x.double()), best[-1][0]


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


class Skipped(Exception):
    """A check that would say nothing, and why."""


def mirrored(torch, net):
    """net(x) + net(mirror image of x): a segment and its mirror image are symmetric players of a symmetric picture's game."""
    class Mirrored(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x) + self.net(torch.flip(x, (3,)))
    return Mirrored().eval()


class Lab:
    """One architecture: the network, two inputs, what the reference says of them, and the program's explanations."""

    def __init__(self, numpy, torch, torchvision, binary, folder, name):
        self.numpy, self.torch, self.binary, self.folder, self.name = numpy, torch, binary, folder, name
        self.side = MODELS[name]
        self.net = build(torch, torchvision, name, self.side)
        self.exact = copy.deepcopy(self.net).double()
        self.x, self.gradient, self.jump = steady_inputs(torch, self.net, self.exact, self.side)
        self.models, self.maps = {}, {}

    def scores(self, x):
        """Of the target, in float64."""
        with self.torch.no_grad():
            return self.exact(x.double())[:, TARGET].numpy()

    def model(self, kind):
        """The path of the exported network: as it is ("plain"), without biases ("unbiased") or "mirrored". Made once."""
        if kind not in self.models:
            net = self.net
            if kind == "unbiased":
                net = copy.deepcopy(net)
                remove_biases(self.torch, net)
            if kind == "mirrored":
                net = mirrored(self.torch, net)
            self.models[kind] = os.path.join(self.folder, f"{self.name}-{kind}.onnx")
            export(self.torch, net, self.x[:1], self.models[kind])
        return self.models[kind]

    def explain(self, method, parameters=(), kind="plain", x=None):
        """[N,C,H,W] in float64 for x, or for the two inputs. Each map is computed once."""
        x = (self.x if x is None else x).numpy()
        key = (method, tuple(parameters), kind, x.tobytes())
        if key in self.maps:
            return self.maps[key]
        source, out = os.path.join(self.folder, "input.npy"), os.path.join(self.folder, "out.npy")
        self.numpy.save(source, x)
        command = [self.binary, "explain", "--model", self.model(kind), "--input", source, "--method", method, "--target", str(TARGET),
                   "--output", out]
        for p in parameters:
            command += ["--param", p]
        run = subprocess.run(command, capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(run.stderr.strip() or f"exit status {run.returncode}")
        self.maps[key] = self.numpy.load(out).astype("float64")
        return self.maps[key]

    def gradient_tolerance(self):
        return GRADIENT_TOLERANCE if self.jump < STEADY else max(GRADIENT_TOLERANCE, 3 * self.jump)


def differs(numpy, found, expected, tolerance):
    if found.shape != expected.shape:
        return f"shape {found.shape} instead of {expected.shape}"
    peak = numpy.abs(expected).max()
    if not peak > 0:
        return "the reference is zero everywhere"
    worst = numpy.abs(found - expected).max() / peak
    return "" if worst <= tolerance else f"differs by {worst:.1e} of the largest value, more than {tolerance:.1e}"


def check_gradient(lab):
    return differs(lab.numpy, lab.explain("gradient"), lab.gradient.numpy(), lab.gradient_tolerance())


def check_central_differences(lab):
    generator = lab.torch.Generator().manual_seed(5)
    found = lab.explain("gradient")
    for n, x in enumerate(lab.x.double()):
        for _ in range(DIRECTIONS):
            v = lab.torch.randn(x.shape, generator=generator).double()
            ahead, behind = lab.scores(lab.torch.stack([x + STEP * v, x - STEP * v]))
            slope, expected = (found[n] * v.numpy()).sum(), (ahead - behind) / (2 * STEP)
            size = lab.numpy.sqrt((found[n] ** 2).sum())  # what the slope in a random direction is like
            if not abs(slope - expected) <= lab.gradient_tolerance() * size:
                return f"slope {slope:.6g} instead of {expected:.6g} (gradient of length {size:.3g})"
    return ""


def check_batch(method, parameters=(), kind="plain"):
    def check(lab):
        alone = lab.explain(method, parameters, kind, lab.x[1:])
        return differs(lab.numpy, lab.explain(method, parameters, kind)[1:], alone, max(BATCH_TOLERANCE, 3 * lab.jump))
    return check


def check_completeness(lab, method, parameters, tolerance):
    change = lab.scores(lab.x) - lab.scores(lab.torch.zeros_like(lab.x))
    for sample, expected in zip(lab.explain(method, parameters), change):
        total, size = sample.sum(), lab.numpy.abs(sample).sum()
        if not abs(total - expected) <= tolerance * size:
            return f"sums to {total:.6g} instead of {expected:.6g} (magnitudes: {size:.3g})"
    return ""


def check_deeplift(lab):
    return check_completeness(lab, "deeplift", (), COMPLETENESS_TOLERANCE)


def check_integrated_gradients(lab):
    for steps in STEPS:
        fault = check_completeness(lab, "integrated-gradients", (f"steps={steps}", "quadrature=midpoint"), INTEGRATION_TOLERANCE)
        if not fault:
            break
    return fault


def shapley_inputs(lab):
    """A picture, and one whose halves mirror each other and whose lower part is the baseline, 0."""
    torch, half = lab.torch, lab.side // 2
    symmetric = (lab.x[1] + torch.flip(lab.x[1], (2,))) / 2
    symmetric[:, half:] = 0
    return torch.stack([lab.x[0], symmetric])


def shapley_map(lab):
    """[2,2,2]: the program's values of the four quarters of both pictures."""
    x = shapley_inputs(lab)
    maps = lab.explain("kernel-shap", ["grid_cells=[2,2]", "samples=all", "baseline=0"], "mirrored", x)
    half = lab.side // 2
    quarters = maps[:, 0, ::half, ::half][:, :2, :2]
    spread = lab.numpy.repeat(lab.numpy.repeat(quarters, half, 1), half, 2)
    if lab.numpy.abs(maps - spread[:, None]).max() > 0:
        raise RuntimeError("the map is not constant in each quarter")
    return quarters


def check_shapley(lab):
    """Against the definition: for every quarter the mean gain over all orders, from the scores of all 16 coalitions."""
    torch, half = lab.torch, lab.side // 2
    x = shapley_inputs(lab)
    net = mirrored(torch, lab.net)
    expected = lab.numpy.zeros((2, 2, 2))
    for n in range(2):
        members = torch.zeros(16, 1, lab.side, lab.side)
        for coalition in range(16):
            for player in range(4):
                if coalition >> player & 1:
                    row, column = player // 2 * half, player % 2 * half
                    members[coalition, :, row:row + half, column:column + half] = 1
        with torch.no_grad():
            value = net(x[n] * members)[:, TARGET].double().numpy()
        for player in range(4):
            for coalition in range(16):
                if not coalition >> player & 1:
                    others = bin(coalition).count("1")
                    weight = (1 / 4, 1 / 12, 1 / 12, 1 / 4)[others]
                    expected[n, player // 2, player % 2] += weight * (value[coalition | 1 << player] - value[coalition])
    return differs(lab.numpy, shapley_map(lab), expected, SHAPLEY_TOLERANCE)


def check_shapley_axioms(lab):
    _, symmetric = shapley_map(lab)
    peak = lab.numpy.abs(symmetric).max()
    if not abs(symmetric[0, 0] - symmetric[0, 1]) <= SHAPLEY_TOLERANCE * peak:
        return f"symmetric quarters get {symmetric[0, 0]:.6g} and {symmetric[0, 1]:.6g}"
    if not lab.numpy.abs(symmetric[1]).max() <= SHAPLEY_TOLERANCE * peak:
        return f"quarters that equal the baseline get {symmetric[1]} beside {peak:.3g}"
    return ""


def check_conservation(method):
    def check(lab):
        if (lab.name, method) in NOT_CONSERVING:
            raise Skipped("its rule has no positive contribution to share by under some depthwise convolutions")
        for sample in lab.explain(method, CONSERVING[method] + ["zero_params=bias"], "unbiased"):
            total, size = sample.sum(), lab.numpy.abs(sample).sum()
            if not abs(total - 1) <= CONSERVATION_TOLERANCE:
                return f"relevance sums to {total:.6g} instead of 1 (magnitudes: {size:.3g})"
        return ""
    return check


CHECKS = {
    "gradient against PyTorch": check_gradient,
    "gradient against central differences": check_central_differences,
    "gradient of a batch": check_batch("gradient"),
    "deeplift of a batch": check_batch("deeplift"),
    "lrp-epsilon of a batch": check_batch("lrp-epsilon", CONSERVING["lrp-epsilon"] + ["zero_params=bias"], "unbiased"),
    "completeness of integrated-gradients": check_integrated_gradients,
    "completeness of deeplift": check_deeplift,
    "kernel-shap over all coalitions": check_shapley,
    "symmetry and dummy axioms": check_shapley_axioms,
    **{f"conservation of {method}": check_conservation(method) for method in CONSERVING},
}


def main(binary, names):
    try:
        import numpy
        import torch
        import torchvision
    except ImportError as missing:
        print(f"Model zoo: skipped, because {missing.name or missing} is not installed (Debian: python3-torch, python3-torchvision)")
        print(f"0 passed, 0 failed, {len(CHECKS) * len(names)} skipped")
        return 0
    torch.set_num_threads(max(1, min(2, os.cpu_count() or 1)))
    print(f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}", flush=True)
    passed = failed = skipped = 0
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            lab = Lab(numpy, torch, torchvision, binary, folder, name)
            for what, check in CHECKS.items():
                try:
                    fault = check(lab)
                except Skipped as reason:
                    skipped += 1
                    print(f"skipped {name}, {what}: {reason}", flush=True)
                    continue
                except (RuntimeError, OSError) as problem:
                    fault = str(problem)
                passed += not fault
                failed += bool(fault)
                if fault:
                    print(f"FAIL {name}, {what}: {fault}", flush=True)
    print(f"Model zoo: {len(names)} architectures, {len(CHECKS)} checks each")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or any(name not in MODELS for name in sys.argv[2:]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:] or list(MODELS)))
