// Open Model Zoo's model.yml and composite-model.yml as registry entries.
#pragma once

#include <string>
#include <string_view>

#include "visavis/zoo.h"

namespace visavis {

/// The entry that a model.yml describes. Its name is `name` (the file's folder; the file itself
/// holds none); `composite` is the composite model it is a stage of, or "".
/// Errors: kCorruptData, kLimitExceeded, kUnsupported (a source or step we do not know); messages
///         begin with `where`.
Result<Asset> ParseOmzModel(std::string_view yaml, const std::string& name,
                            const std::string& composite, const std::string& where);

/// The same for composite-model.yml: an entry with stages and no files.
Result<Asset> ParseOmzComposite(std::string_view yaml, const std::string& name,
                                const std::string& where);

}  // namespace visavis
