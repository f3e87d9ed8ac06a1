// Which models a command line means.
#pragma once

#include <string>
#include <vector>

#include "visavis/zoo.h"

namespace visavis {

/// The models that patterns name: globs, separated by commas or given one by one; a composite name
/// stands for its stages too. In the order of the registry, each once.
/// Errors: kNotFound for a pattern that matches nothing.
Result<std::vector<const Asset*>> SelectByName(const Registry& registry,
                                               const std::vector<std::string>& patterns);

/// The patterns of a list file: the first word of every line, quoted as in a shell; `#` begins a
/// comment. Errors: those of reading; kCorruptData for an open quote, with its line.
Result<std::vector<std::string>> ReadPatternList(const std::string& path);

}  // namespace visavis
