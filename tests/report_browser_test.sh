#!/usr/bin/env bash
# Opens the page of `visavis evaluate --report` in headless Chromium. Arguments: program that writes a
# page, folder of the web packages, source folder. Exit code 77: no browser, no Node.js, or no page.
set -euo pipefail
writer=$1
web=$2
source=$3
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
node=$(command -v node || command -v nodejs || true)
skip() {
  echo "SKIPPED the report page in a browser: $1"
  exit 77
}
[[ -n $browser ]] || skip "chromium is not installed"
[[ -n $node && -d $web/node_modules/playwright-core ]] || skip "the web packages are not installed"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$writer" "$scratch/report.html" || skip "this build has no report page"
cp "$source/tests/report_browser_test.mjs" "$web/"
"$node" "$web/report_browser_test.mjs" "$browser" "$scratch/report.html"
