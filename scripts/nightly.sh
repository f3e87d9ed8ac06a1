#!/usr/bin/env bash
# What is too slow for every change: all tests on every instruction set of this machine with full
# data sets (VISAVIS_FULL=1), the clang build, and an hour of fuzzing shared by all targets.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)

make deps
cmake -S . -B build-nightly -G Ninja -DCMAKE_BUILD_TYPE=Release
cmake --build build-nightly -j "$jobs"
isas=(scalar)
grep -qw avx2 /proc/cpuinfo && isas+=(avx2)
grep -qw avx_vnni /proc/cpuinfo && isas+=(avx_vnni)
grep -qw avx512bw /proc/cpuinfo && isas+=(avx512)
grep -qw avx512_bf16 /proc/cpuinfo && isas+=(avx512_bf16)  # bf16 tests run only here
grep -qw amx_bf16 /proc/cpuinfo && isas+=(amx)
for isa in "${isas[@]}"; do
  echo "== every test, forced to $isa"
  VISAVIS_FULL=1 VISAVIS_ISA=$isa ctest --test-dir build-nightly --output-on-failure -j "$jobs"
done

echo "== unit tests and fuzz corpus of every room under sanitizers"
cmake -S . -B build-nightly-asan -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1 \
  -DVISAVIS_SANITIZE=address,undefined
cmake --build build-nightly-asan -j "$jobs" --target unit_tests
UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
  ctest --test-dir build-nightly-asan --output-on-failure -j "$jobs" -L 'unit|fuzz'

echo "== memory of LResNet100E-IR: 750 MB, and 1.2 times its file with --low-memory"
visavis=build-nightly/apps/visavis/visavis
large=build-nightly/r100.onnx
"$visavis" model build lresnet100e-ir --seed 1 --output "$large"
within() {
  "$visavis" bench --json --seconds 0.1 "${@:2}" "$large" |
    python3 -c 'import json, sys
peak = json.load(sys.stdin)["results"][0]["peak_rss_bytes"]
sys.exit(f"peak RSS {peak}, want at most {sys.argv[1]}" if peak > float(sys.argv[1]) else 0)' "$1"
}
within 750e6
within "$(($(stat -c %s "$large") * 12 / 10))" --low-memory

echo "== int8 MobileFaceNet on all of LFW, two calibration seeds"
shared=${VISAVIS_SHARED:-../shared}
if [[ -d $shared/data/lfw ]]; then
  rm -rf build-nightly/calibration
  scripts/make_calibration_set.py build-nightly/calibration --shared "$shared" --visavis "$visavis"
  "$visavis" model convert "$shared/models/mobilefacenet-arcface/model-0000.params" build-nightly/mfn.onnx
  for seed in 1 2; do  # --max-drop and --min-cosine are the gate: exit code 1 if it does not hold
    "$visavis" quantize build-nightly/mfn.onnx -o build-nightly/mfn-int8.onnx --no-search \
      --calibration build-nightly/calibration --seed "$seed" --eval "$shared/data/lfw" \
      --max-drop 0.1pp --min-cosine 0.985
  done
else
  echo "SKIPPED: $shared/data/lfw is missing; set VISAVIS_SHARED"
fi

echo "== clang, warnings are errors, with libFuzzer"
# The run-time libraries of sanitizers and libFuzzer are only a recommendation of Debian's clang.
make deps PACKAGES="clang libclang-rt-14-dev" WEB_PACKAGES=
# Without fuzzer-no-link only the targets themselves would be instrumented, and libFuzzer be blind.
cmake -S . -B build-nightly-fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++ \
  -DVISAVIS_LIBFUZZER=ON -DVISAVIS_SANITIZE=address,undefined,fuzzer-no-link -DCMAKE_BUILD_TYPE=RelWithDebInfo
cmake --build build-nightly-fuzz -j "$jobs"
mapfile -t targets < <(find build-nightly-fuzz/fuzz -maxdepth 1 -type f -executable -name 'fuzz_*')
for target in "${targets[@]}"; do
  name=$(basename "$target")
  echo "== $name"
  mkdir -p "build-nightly-fuzz/corpus/$name"
  "$target" -max_total_time=$((3600 / ${#targets[@]})) -rss_limit_mb=4096 \
    "build-nightly-fuzz/corpus/$name" "fuzz/corpus/${name#fuzz_}"
done
