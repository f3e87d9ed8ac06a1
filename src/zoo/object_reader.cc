#include "zoo/object_reader.h"

#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/text.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxBytes = 1 << 20;
constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxElements = 10'000;

// Counted before parsing, so that no recursion of a library can go deep.
bool TooDeep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

// A number that a text spells out whole.
bool ParseNumber(const std::string& text, double& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

bool AsNumber(const Json& json, double& value) {
  if (json.is_string()) return ParseNumber(json.get_ref<const std::string&>(), value);
  if (!json.is_number()) return false;
  value = json.get<double>();
  return true;
}

}  // namespace

Result<Json> ParseJson(std::string_view text, const std::string& where) {
  if (text.size() > kMaxBytes) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: {} bytes, want at most {}", where, text.size(),
                     kMaxBytes);
  }
  if (TooDeep(text)) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: nested deeper than {} levels", where,
                     kMaxDepth);
  }
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return MakeError(ErrorCode::kCorruptData, "{}: is not JSON", where);
  return json;
}

ObjectReader::ObjectReader(const Json& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) Fail("want an object");
}

void ObjectReader::Fail(const std::string& what) {
  if (status_) status_ = MakeError(ErrorCode::kCorruptData, "{}: {}", where_, what);
}

const Json* ObjectReader::Find(const char* key) {
  known_.insert(key);
  if (!status_) return nullptr;
  const auto at = object_.find(key);
  return at == object_.end() || at->is_null() ? nullptr : &*at;
}

const Json* ObjectReader::List(const char* key) {
  const Json* list = Find(key);
  if (list == nullptr) return nullptr;
  if (!list->is_array() || list->size() > kMaxElements) {
    Fail(fmt::format("{}: want a list of at most {}", key, kMaxElements));
    return nullptr;
  }
  return list;
}

void ObjectReader::Text(const char* key, std::string& value, bool required) {
  const Json* text = Find(key);
  if (text != nullptr && !text->is_string()) return Fail(fmt::format("{}: want text", key));
  if (text != nullptr) value = text->get<std::string>();
  if (required && status_ && value.empty()) Fail(fmt::format("{}: is missing", key));
}

void ObjectReader::Texts(const char* key, std::vector<std::string>& value) {
  const Json* list = List(key);
  if (list == nullptr) return;
  for (const Json& text : *list) {
    if (!text.is_string()) return Fail(fmt::format("{}: want a list of texts", key));
    value.push_back(text.get<std::string>());
  }
}

void ObjectReader::Integer(const char* key, std::int64_t& value, std::int64_t max) {
  const Json* number = Find(key);
  if (number == nullptr) return;
  double parsed = 0;
  if (!AsNumber(*number, parsed) || !(parsed >= 0) || parsed > static_cast<double>(max) ||
      parsed != std::floor(parsed)) {
    return Fail(fmt::format("{}: want a whole number from 0 to {}", key, max));
  }
  value = static_cast<std::int64_t>(parsed);
}

void ObjectReader::Number(const char* key, double& value) {
  const Json* number = Find(key);
  if (number == nullptr) return;
  double parsed = 0;
  if (!AsNumber(*number, parsed) || !std::isfinite(parsed)) {
    return Fail(fmt::format("{}: want a number", key));
  }
  value = parsed;
}

void ObjectReader::Numbers(const char* key, std::vector<double>& value) {
  const Json* list = List(key);
  if (list == nullptr) return;
  for (const Json& number : *list) {
    double parsed = 0;
    if (!AsNumber(number, parsed) || !std::isfinite(parsed)) {
      return Fail(fmt::format("{}: want a list of numbers", key));
    }
    value.push_back(parsed);
  }
}

void ObjectReader::Dimensions(const char* key, std::vector<std::string>& value) {
  const Json* list = List(key);
  if (list == nullptr) return;
  for (const Json& dimension : *list) {
    if (dimension.is_number_integer()) {
      value.push_back(std::to_string(dimension.get<std::int64_t>()));
    } else if (dimension.is_string()) {
      value.push_back(dimension.get<std::string>());
    } else {
      return Fail(fmt::format("{}: want whole numbers and names", key));
    }
  }
}

Status ObjectReader::Finish() {
  if (!status_ || unknown_keys_allowed_) return status_;
  for (const auto& [key, value] : object_.items()) {
    if (!known_.contains(key) && !key.starts_with("x-")) {
      Fail(fmt::format("{}: is no known key", OneLine(key)));
    }
  }
  return status_;
}

}  // namespace visavis
