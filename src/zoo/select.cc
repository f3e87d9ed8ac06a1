#include "zoo/select.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/file_system.h"
#include "base/text.h"
#include "base/try.h"

namespace visavis {
namespace {

constexpr std::int64_t kMaxListBytes = 1 << 20;

// The first word of a line by the rules of a POSIX shell; false for an open quote.
bool FirstWord(std::string_view line, std::string& word) {
  char quote = 0;
  bool begun = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == '\'') {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\\' && i + 1 < line.size()) {
      word += line[++i];
      begun = true;
    } else if (quote == '"') {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      begun = true;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      if (begun) return true;
    } else if (c == '#') {
      return true;  // a comment, also right behind a word, as Python's shlex has it
    } else {
      word += c;
      begun = true;
    }
  }
  return quote == 0;
}

}  // namespace

Result<std::vector<const Asset*>> SelectByName(const Registry& registry,
                                               const std::vector<std::string>& patterns) {
  std::set<const Asset*> chosen;
  for (const std::string& given : patterns) {
    std::string_view rest = given;
    for (;;) {
      const auto comma = rest.find(',');
      const std::string pattern(rest.substr(0, comma));
      const std::vector<const Asset*> found = registry.Match(pattern);
      if (found.empty()) {
        return MakeError(ErrorCode::kNotFound, "{}: no model of that name (`visavis zoo list`)",
                         OneLine(pattern));
      }
      chosen.insert(found.begin(), found.end());
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  std::vector<const Asset*> in_order;
  for (const Asset& asset : registry.assets()) {
    if (chosen.contains(&asset)) in_order.push_back(&asset);
  }
  return in_order;
}

Result<std::vector<std::string>> ReadPatternList(const std::string& path) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           FileSystem::Real().ReadFile(path, kMaxListBytes));
  std::vector<std::string> patterns;
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  for (int line = 1; !rest.empty(); ++line) {
    const auto end = rest.find('\n');
    std::string word;
    if (!FirstWord(rest.substr(0, end), word)) {
      return MakeError(ErrorCode::kCorruptData, "{}: line {}: a quote is not closed", path, line);
    }
    if (!word.empty()) patterns.push_back(std::move(word));
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  }
  return patterns;
}

}  // namespace visavis
