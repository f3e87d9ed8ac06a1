#include "json/parse.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace visavis {
namespace {

// Deepest nesting of brackets outside of strings. Right for valid JSON; the parser judges the rest.
int DepthOf(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

}  // namespace

template <typename Json>
Result<Json> ParseJson(std::string_view text, std::string_view where, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: {} bytes, want at most {}", where, text.size(),
                     limits.bytes);
  }
  if (const int found = DepthOf(text); found > limits.depth) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: JSON nested {} deep, want at most {}", where,
                     found, limits.depth);
  }
  std::vector<std::set<std::string>> keys;
  std::string twice;
  const auto watch = [&](int, typename Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.template get<std::string>()).second) {
      twice = parsed.template get<std::string>();
    }
    return true;
  };
  Json json;
  try {
    json = Json::parse(text.begin(), text.end(), watch);
  } catch (const typename Json::parse_error& error) {
    return MakeError(ErrorCode::kCorruptData, "{}: is no JSON, wrong at byte {}", where,
                     error.byte);
  } catch (const typename Json::out_of_range&) {
    return MakeError(ErrorCode::kCorruptData, "{}: is no JSON, a number is out of range", where);
  }
  if (!twice.empty()) {
    return MakeError(ErrorCode::kCorruptData, "{}: key \"{}\" is there twice", where,
                     OneLine(twice.substr(0, 80)));
  }
  return json;
}

template Result<nlohmann::json> ParseJson(std::string_view, std::string_view, const JsonLimits&);
template Result<nlohmann::ordered_json> ParseJson(std::string_view, std::string_view,
                                                  const JsonLimits&);

}  // namespace visavis
