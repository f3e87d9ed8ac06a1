#include "contract/fields.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

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

Result<Json> ParseBoundedJson(std::string_view text, std::string_view where, int depth) {
  if (const int found = DepthOf(text); found > depth) {
    return MakeError(ErrorCode::kLimitExceeded, "{}: JSON nested {} deep, want at most {}", where,
                     found, depth);
  }
  std::vector<std::set<std::string>> keys;
  std::string twice;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key &&
        !keys.back().insert(parsed.get<std::string>()).second) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  Json json = Json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (json.is_discarded()) return MakeError(ErrorCode::kCorruptData, "{}: is no JSON", where);
  if (!twice.empty()) {
    return MakeError(ErrorCode::kCorruptData, "{}: key \"{}\" is there twice", where,
                     OneLine(twice.substr(0, 80)));
  }
  return json;
}

std::string Found(const Json& json) {
  constexpr std::size_t kShort = 80;
  if (json.is_object()) return "an object";
  if (json.is_array()) return fmt::format("an array of {}", json.size());
  if (json.is_string() && json.get_ref<const std::string&>().size() > kShort) return "a long text";
  return OneLine(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void FirstError::Set(std::string_view path, std::string_view found, std::string_view wanted,
                     ErrorCode code) {
  if (error_) return;
  error_ = MakeError(code, "{}: {}: {}, want {}", where_, path, found, wanted);
}

Fields::Fields(const Json* object, std::string path, FirstError& sink)
    : object_(object), path_(std::move(path)), sink_(&sink) {
  if (object_ != nullptr && !object_->is_object()) {
    sink_->Set(path_.empty() ? "document" : path_, Found(*object_), "an object");
    object_ = nullptr;
  }
}

std::string Fields::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const Json* Fields::Find(const char* key) {
  known_.emplace(key);
  if (object_ == nullptr) return nullptr;
  const auto at = object_->find(key);
  return at == object_->end() ? nullptr : &*at;
}

bool Fields::MayHave(const char* key) { return Find(key) != nullptr; }

const Json* Fields::Any(const char* key) {
  const Json* value = Find(key);
  if (value == nullptr) sink_->Set(PathOf(key), "is missing", "it");
  return value;
}

std::string Fields::Text(const char* key, std::size_t max_bytes, bool may_be_empty) {
  const Json* value = Any(key);
  if (value == nullptr) return {};
  if (!value->is_string()) {
    sink_->Set(PathOf(key), "found " + Found(*value), "a text");
    return {};
  }
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > max_bytes) {
    sink_->Set(PathOf(key), fmt::format("{} bytes of text", text.size()),
               fmt::format("at most {}", max_bytes), ErrorCode::kLimitExceeded);
    return {};
  }
  if (text.empty() && !may_be_empty) sink_->Set(PathOf(key), "is empty", "a text");
  return text;
}

std::string Fields::TextOr(const char* key, std::size_t max_bytes, std::string_view fallback) {
  return MayHave(key) ? Text(key, max_bytes, true) : std::string(fallback);
}

bool Fields::Flag(const char* key) {
  const Json* value = Any(key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) {
    sink_->Set(PathOf(key), "found " + Found(*value), "true or false");
    return false;
  }
  return value->get<bool>();
}

double Fields::Number(const char* key, double low, double high) {
  const Json* value = Any(key);
  if (value == nullptr) return low;
  const double number =
      value->is_number() ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
  if (!(number >= low && number <= high)) {
    sink_->Set(PathOf(key), "found " + Found(*value),
               fmt::format("a number from {} to {}", low, high));
    return low;
  }
  return number;
}

std::int64_t Fields::Integer(const char* key, std::int64_t low, std::int64_t high) {
  const Json* value = Any(key);
  if (value == nullptr) return low;
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() ||
                     value->get<std::uint64_t>() <=
                         static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
  if (!fits || value->get<std::int64_t>() < low || value->get<std::int64_t>() > high) {
    sink_->Set(PathOf(key), "found " + Found(*value),
               high == std::numeric_limits<std::int64_t>::max()
                   ? fmt::format("a whole number of at least {}", low)
                   : fmt::format("a whole number from {} to {}", low, high));
    return low;
  }
  return value->get<std::int64_t>();
}

Fields Fields::Object(const char* key) { return {Any(key), PathOf(key), *sink_}; }

const Json* Fields::Array(const char* key, std::size_t max_items) {
  const Json* value = Any(key);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    sink_->Set(PathOf(key), "found " + Found(*value), "an array");
    return nullptr;
  }
  if (value->size() > max_items) {
    sink_->Set(PathOf(key), fmt::format("{} items", value->size()),
               fmt::format("at most {}", max_items), ErrorCode::kLimitExceeded);
    return nullptr;
  }
  return value;
}

void Fields::Refuse(const char* key, std::string_view found, std::string_view wanted,
                    ErrorCode code) {
  sink_->Set(PathOf(key), found, wanted, code);
}

void Fields::Finish() {
  if (object_ == nullptr) return;
  for (const auto& [key, value] : object_->items()) {
    if (known_.contains(key)) continue;
    sink_->Set(OneLine(PathOf(key.substr(0, 80))), "is no key of this version",
               fmt::format("one of {}", fmt::join(known_, ", ")));
  }
}

}  // namespace visavis
