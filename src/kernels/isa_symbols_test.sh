#!/bin/sh
# Fails if a per-ISA object of the kernels library exports a weak symbol: the linker could then take the AVX copy of an
# inline function for the whole program, and crash it on a machine without AVX.
# Usage: isa_symbols_test.sh NM LIBRARY
set -eu
listing=$("$1" -C "$2")
printf '%s\n' "$listing" | grep -q '^kernels_avx2' || { echo "no per-ISA object in $2"; exit 1; }
printf '%s\n' "$listing" | awk '
  /:$/ { isa = /_(avx|amx)/; next }
  isa && / [VWu] / { print; bad = 1 }
  END { exit bad }'
