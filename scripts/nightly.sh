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
grep -qw avx512bw /proc/cpuinfo && isas+=(avx512)
for isa in "${isas[@]}"; do
  echo "== every test, forced to $isa"
  VISAVIS_FULL=1 VISAVIS_ISA=$isa ctest --test-dir build-nightly --output-on-failure -j "$jobs"
done

echo "== clang, warnings are errors, with libFuzzer"
cmake -S . -B build-nightly-fuzz -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DVISAVIS_LIBFUZZER=ON \
  -DVISAVIS_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo
cmake --build build-nightly-fuzz -j "$jobs"
mapfile -t targets < <(find build-nightly-fuzz/fuzz -maxdepth 1 -type f -executable -name 'fuzz_*')
for target in "${targets[@]}"; do
  name=$(basename "$target")
  echo "== $name"
  mkdir -p "build-nightly-fuzz/corpus/$name"
  "$target" -max_total_time=$((3600 / ${#targets[@]})) -rss_limit_mb=4096 \
    "build-nightly-fuzz/corpus/$name" "fuzz/corpus/${name#fuzz_}"
done
