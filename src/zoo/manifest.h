// The manifest of known models: docs/formats/manifest.md.
#pragma once

#include <string_view>
#include <vector>

#include "visavis/zoo.h"

namespace visavis {

/// The text of models/manifest.json.
const char* ManifestText();

/// Errors: kCorruptData for anything that is not a valid manifest; the message names the asset.
Result<std::vector<Asset>> ParseManifest(std::string_view json);

}  // namespace visavis
