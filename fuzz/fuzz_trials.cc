// Any bytes as a line of the journal of trials that visavis quantize resumes from.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "quantize/journal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using visavis::ErrorCode;
  const auto fail = [](const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    std::abort();
  };
  const auto entry = visavis::ParseJournalLine({reinterpret_cast<const char*>(data), size});
  if (!entry) {
    if (entry.error().message.empty() || entry.error().code == ErrorCode::kInternal) {
      fail("error without a cause: " + entry.error().message);
    }
    return 0;
  }
  // What was read can be written, and then reads as the same.
  const std::string line = visavis::JournalLine(entry->key, entry->trial);
  const auto again = visavis::ParseJournalLine(line);
  if (!again) fail(again.error().message);
  if (visavis::JournalLine(again->key, again->trial) != line) fail("reads as another trial");
  return 0;
}
