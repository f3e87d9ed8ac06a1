#!/usr/bin/env bash
# Installs into a scratch folder, builds examples/ against it with find_package and with pkg-config,
# and compares two real photos. Arguments: build folder, source folder. Exit code 77: no photos here.
set -euo pipefail
build=$1
source=$2
shared=${VISAVIS_SHARED:-$source/../shared}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix

cmake --install "$build" --prefix "$prefix" > "$scratch/install.log"
"$prefix/bin/visavis" --version
for file in share/man/man1/visavis.1 share/bash-completion/completions/visavis \
  share/zsh/site-functions/_visavis include/visavis/recognize.h; do
  [[ -s $prefix/$file ]] || { echo "missing after install: $file"; exit 1; }
done
bash -n "$prefix/share/bash-completion/completions/visavis"

cmake -S "$source/examples" -B "$scratch/example" -DCMAKE_PREFIX_PATH="$prefix" \
  -DCMAKE_BUILD_TYPE=Release > "$scratch/configure.log" ||
  { cat "$scratch/configure.log"; exit 1; }
cmake --build "$scratch/example"

libdir=$(dirname "$(find "$prefix" -name visavis.pc)")
# shellcheck disable=SC2046
c++ -std=c++20 "$source/examples/compare.cc" -o "$scratch/compare-pkg-config" \
  $(PKG_CONFIG_PATH=$libdir pkg-config --define-variable=prefix="$prefix" --cflags --libs visavis)

photos=$shared/data/photos
if [[ ! -d $photos ]]; then
  echo "SKIPPED running the example: $photos is missing; set VISAVIS_SHARED"
  exit 77
fi
export VISAVIS_MIRROR=$shared/models XDG_CACHE_HOME=$scratch/cache
for program in "$scratch/example/compare" "$scratch/compare-pkg-config"; do
  verdict=$("$program" "$photos/biden_7mpx.jpg" "$photos/Barack_Obama_03.jpg")
  echo "$verdict"
  [[ $verdict == "similarity 0."*": different people" ]]
done
