#!/usr/bin/env bash
# Checks that every C++ file is as clang-format leaves it, and that no file has passed 600 lines
# without saying why. Exit code 1 with one line per offence. With --fix, formats in place.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files -co --exclude-standard '*.h' '*.cc' '*.inc')
if [[ "${1:-}" == "--fix" ]]; then
  clang-format -i "${files[@]}"
  exit 0
fi

failed=0
if ! printf '%s\0' "${files[@]}" | xargs -0 -n 32 -P "$(nproc)" clang-format --dry-run -Werror --ferror-limit=1; then
  failed=1
fi
for file in "${files[@]}"; do
  lines=$(wc -l < "$file")
  if ((lines > 600)) && ! grep -q 'Longer than 600 lines' "$file"; then
    echo "$file: $lines lines: split it, or say 'Longer than 600 lines because ...'"
    failed=1
  fi
done
((failed)) || echo "${#files[@]} files formatted"
exit "$failed"
