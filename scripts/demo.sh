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

# compare_pair NAME LABEL A B
compare_pair() {
  local picture=$out/$1.png text
  text=$("$visavis" compare --draw "$picture" "$3" "$4")
  printf '%-20s  %-10s  %-18s  %s\n' "$2" \
    "$(awk '/^similarity /{print $2}' <<<"$text")" \
    "$(awk '/^verdict /{$1=""; print substr($0, 2)}' <<<"$text")" "$picture"
}
compare_pair same "same person" "$fold1/Anthony_Fauci/Anthony_Fauci_0001.jpg" \
  "$fold1/Anthony_Fauci/Anthony_Fauci_0002.jpg"
compare_pair different "different people" "$photos/biden_7mpx.jpg" "$photos/Barack_Obama_03.jpg"
compare_pair group "group and portrait" "$photos/obama_family.jpg" "$photos/Barack_Obama_03.jpg"

"$visavis" detect --draw "$out" "$photos/obama_family.jpg" "$photos/t1.jpg" > "$out/faces.txt"
echo "All faces of two group photos: $out/obama_family.png, $out/t1.png ($out/faces.txt)"
