#!/bin/sh
# Times detection and the whole chain on real photos.
#   scripts/bench_photos.sh [--write docs/performance.md]
# VISAVIS         the program (default build/apps/visavis/visavis)
# VISAVIS_SHARED  folder with data/ and models/ (default ../shared)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
visavis=${VISAVIS:-$root/build/apps/visavis/visavis}
shared=${VISAVIS_SHARED:-$root/../shared}
export VISAVIS_MIRROR="${VISAVIS_MIRROR:-$shared/models}"
begin='<!-- bench_photos.sh: begin -->'
end='<!-- bench_photos.sh: end -->'
output=$(mktemp)
page=$(mktemp)
trap 'rm -f "$output" "$page"' EXIT

# run COMMAND...: prints a command as a reader would type it, and what it prints.
run() {
  echo "\$ visavis $*" | sed "s|$shared/||g"
  "$visavis" "$@"
}

cd "$shared/data"
{
  echo "$(date +%F), commit $(git -C "$root" rev-parse --short HEAD)," \
    "load average before: $(cut -d' ' -f1 /proc/loadavg) on $(nproc) core(s)"
  run bench --photos photos/obama_family.jpg --stage detect --min-size 40
  run bench --photos photos/t1.jpg --stage detect --min-size 20
  run bench --photos photos/group_10mpx.jpg --face all --threads 1,2
  run bench --photos lfw/photos-fold1 --threads 1,2
} > "$output"
cat "$output"

if [ "${1:-}" = --write ]; then
  cd - > /dev/null
  awk -v begin="$begin" -v end="$end" -v output="$output" '
    $0 == end { inside = 0 }
    !inside { print }
    $0 == begin {
      inside = 1
      print "```"
      while ((getline line < output) > 0) print line
      print "```"
    }' "$2" > "$page"
  cat "$page" > "$2"
fi
