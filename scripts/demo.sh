#!/usr/bin/env bash
# Compares three pairs of photos, prints a table and draws what was found. Called by `make demo` with
# the build folder.
set -euo pipefail
build=$1
visavis=$build/apps/visavis/visavis
data=${VISAVIS_SHARED:-../shared}/data
out=$build/demo

if [[ ! -d $data ]]; then
  echo "The demo's photos are not here ($data). With photos of your own:"
  echo "  $visavis compare --draw pair.png a.jpg b.jpg"
  echo "  $visavis detect --draw drawn group.jpg"
  exit 0
fi

mkdir -p "$out"
photos=$data/photos
fold1=$data/lfw/photos-fold1
printf '%-20s  %-10s  %-18s  %s\n' "pair" "similarity" "verdict" "picture"

# compare_pair NAME LABEL [--all] A B
compare_pair() {
  local picture=$out/$1.png text
  text=$("$visavis" compare "${@:3}" --draw "$picture")
  # One line per pair of faces; the most similar pair decides.
  if grep -q '^similarity ' <<<"$text"; then
    awk -v label="$2" -v picture="$picture" '
      /^similarity /{similarity = $2}
      /^verdict /{$1 = ""; printf "%-20s  %-10s  %-18s  %s\n", label, similarity, substr($0, 2), picture}' <<<"$text"
  else
    awk -v label="$2" -v picture="$picture" '
      $1 ~ /^[0-9]+$/ && (best == "" || $3 > best) {best = $3; verdict = $5 " " $6}
      END {printf "%-20s  %-10s  %-18s  %s\n", label, best, verdict, picture}' <<<"$text"
  fi
}
compare_pair same "same person" "$fold1/Anthony_Fauci/Anthony_Fauci_0001.jpg" \
  "$fold1/Anthony_Fauci/Anthony_Fauci_0002.jpg"
compare_pair different "different people" "$photos/biden_7mpx.jpg" "$photos/Barack_Obama_03.jpg"
compare_pair group "group and portrait" --all "$photos/obama_family.jpg" "$photos/Barack_Obama_03.jpg"

"$visavis" detect --draw "$out" "$photos/obama_family.jpg" "$photos/t1.jpg" > "$out/faces.txt"
echo "All faces of two group photos: $out/obama_family.png, $out/t1.png ($out/faces.txt)"
