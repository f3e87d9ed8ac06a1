// The files of models/, as text in the library.
#pragma once

#include <span>
#include <string_view>

namespace visavis {

struct BuiltInEntry {
  const char* file;  ///< its name in models/
  std::string_view json;
};

/// In the order of the file names.
std::span<const BuiltInEntry> BuiltInEntries();

}  // namespace visavis
