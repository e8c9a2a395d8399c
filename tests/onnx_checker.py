"""Checks with ONNX's own checker what the program writes: every exportable explainer of every fixture model, with and without
pooling and normalisation, and what the unit tests left in build/onnx: a trained model, training steps, and the gradient of
every op in every form.

Usage: onnx_checker.py BINARY   (needs Debian's python3-onnx; ends with "N passed, N failed")
"""
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile

import onnx


# Target, then what the graph does with the attribution.
VARIANTS = (
    ("predicted",),
    ("1",),
    ("input",),
    ("predicted", "--pooling", "strongest"),
    ("predicted", "--pooling", "abs-max", "--normalisation", "max-abs"),
    ("input", "--pooling", "sum", "--normalisation", "percentile", "--normalisation-param", "percentile=98"),
)


def check(path):
    onnx.checker.check_model(onnx.load(path), full_check=True)


def check_explainer(binary, model, method, target, display):
    """None when the explainer is valid, "" when the method is no single graph, else what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "explainer.onnx")
        run = subprocess.run([binary, "export-explainer", "--model", model, "--method", method, "--target", target, *display,
                              "--output", out], capture_output=True, text=True)
        if run.returncode == 2 and "no single graph" in run.stderr:
            return ""
        try:
            if run.returncode:
                raise RuntimeError(run.stderr.strip())
            check(out)
        except Exception as problem:  # the checker raises several kinds
            return str(problem) or repr(problem)
    return None


def main(binary):
    root = os.path.dirname(os.path.abspath(__file__))
    methods = json.loads(subprocess.run([binary, "list", "methods", "--json"], check=True, capture_output=True).stdout)
    passed = failed = skipped = 0
    models = os.path.join(root, "golden", "methods")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [(f"{model} {method['name']} {target} {' '.join(display)}",
                 pool.submit(check_explainer, binary, os.path.join(models, model, "model.onnx"), method["name"], target, display))
                for model in sorted(os.listdir(models)) for method in methods["methods"] for target, *display in VARIANTS]
        for name, job in jobs:
            problem = job.result()
            if problem is None:
                passed += 1
            elif problem == "":
                skipped += 1
            else:
                failed += 1
                print(f"FAIL {name}: {problem}")
    explainers = passed
    folder = os.path.join(root, "..", "build", "onnx")
    written = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    if not written:
        failed += 1
        print("FAIL build/onnx is empty: run the unit tests first")
    for name in written:
        try:
            check(os.path.join(folder, name))
            passed += 1
        except Exception as problem:
            failed += 1
            print(f"FAIL {name}: {problem}")
    print(f"ONNX checker: {explainers} explainers and {len(written)} trained models, steps and gradients checked, {skipped} methods are no single graph")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
