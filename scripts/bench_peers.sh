#!/bin/sh
# Times visavis against other engines on the same models, alternating, in one run.
#   scripts/bench_peers.sh [--only MobileFaceNet] [--rounds 5] [--seconds 0.5]
#                          [--write docs/performance.md]
# What is measured: scripts/peers/cases.py. About five minutes.
# VISAVIS         the program (default build/apps/visavis/visavis)
# VISAVIS_SHARED  folder with models/ (default ../shared)
# VISAVIS_PEERS   scratch folder for a Python environment and converted models
#                 (default ~/.cache/visavis-peers; downloads about 300 MB from PyPI once)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
visavis=${VISAVIS:-$root/build/apps/visavis/visavis}
shared=${VISAVIS_SHARED:-$root/../shared}
scratch=${VISAVIS_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/visavis-peers}
mkdir -p "$scratch/models"

if [ ! -e "$scratch/venv/ready" ]; then
  python3 -m venv "$scratch/venv"
  "$scratch/venv/bin/pip" install --quiet numpy onnxruntime openvino opencv-python-headless ncnn
  # Only its converter program is used: without the torch it declares.
  "$scratch/venv/bin/pip" install --quiet --no-deps pnnx
  touch "$scratch/venv/ready"
fi

models=$scratch/models
"$visavis" model build lresnet100e-ir --seed 1 -o "$models/lresnet100e-ir.onnx" > /dev/null
"$visavis" model convert "$shared/models/mobilefacenet-arcface/model-0000.params" \
  "$models/mobilefacenet.onnx" > /dev/null
cp -f "$shared/models/scrfd/scrfd_500m_bnkps.onnx" "$shared/models/scrfd/scrfd_2.5g_bnkps.onnx" \
  "$shared/models/yunet/yunet_n_dynamic.onnx" "$models/"

exec "$scratch/venv/bin/python" "$root/scripts/peers/compare.py" --visavis "$visavis" \
  --models "$models" "$@"
