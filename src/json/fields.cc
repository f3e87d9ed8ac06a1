#include "json/fields.h"

#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

// A number that a text spells out whole.
template <typename Number>
std::optional<Number> NumberIn(const std::string& text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

std::optional<double> AsNumber(const Json& json, const FieldRules& rules) {
  if (json.is_number()) return json.get<double>();
  if (!rules.numbers_as_text || !json.is_string()) return std::nullopt;
  return NumberIn<double>(json.get_ref<const std::string&>());
}

std::optional<std::int64_t> AsInteger(const Json& json, const FieldRules& rules) {
  if (json.is_number_unsigned() &&
      json.get<std::uint64_t>() >
          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (!rules.numbers_as_text || !json.is_string()) return std::nullopt;
  return NumberIn<std::int64_t>(json.get_ref<const std::string&>());
}

}  // namespace

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
  if (at == object_->end() || (sink_->rules().null_is_absent && at->is_null())) return nullptr;
  return &*at;
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

std::vector<std::string> Fields::TextsOrNone(const char* key, std::size_t max_items,
                                             std::size_t max_bytes) {
  std::vector<std::string> texts;
  const Json* array = MayHave(key) ? Array(key, max_items) : nullptr;
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
    const Json& item = (*array)[i];
    if (!item.is_string() || item.get_ref<const std::string&>().size() > max_bytes) {
      sink_->Set(fmt::format("{}[{}]", PathOf(key), i), "found " + Found(item),
                 fmt::format("a text of at most {} bytes", max_bytes));
      break;
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
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
  const std::optional<double> number = AsNumber(*value, sink_->rules());
  if (!number || !(*number >= low && *number <= high)) {
    sink_->Set(PathOf(key), "found " + Found(*value),
               fmt::format("a number from {} to {}", low, high));
    return low;
  }
  return *number;
}

double Fields::NumberOr(const char* key, double low, double high, double fallback) {
  return MayHave(key) ? Number(key, low, high) : fallback;
}

std::vector<double> Fields::NumbersOrNone(const char* key, std::size_t max_items, double low,
                                          double high) {
  std::vector<double> numbers;
  const Json* array = MayHave(key) ? Array(key, max_items) : nullptr;
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
    const std::optional<double> number = AsNumber((*array)[i], sink_->rules());
    if (!number || !(*number >= low && *number <= high)) {
      sink_->Set(fmt::format("{}[{}]", PathOf(key), i), "found " + Found((*array)[i]),
                 fmt::format("a number from {} to {}", low, high));
      break;
    }
    numbers.push_back(*number);
  }
  return numbers;
}

std::int64_t Fields::Integer(const char* key, std::int64_t low, std::int64_t high) {
  const Json* value = Any(key);
  if (value == nullptr) return low;
  const std::optional<std::int64_t> number = AsInteger(*value, sink_->rules());
  if (!number || *number < low || *number > high) {
    sink_->Set(PathOf(key), "found " + Found(*value),
               high == std::numeric_limits<std::int64_t>::max()
                   ? fmt::format("a whole number of at least {}", low)
                   : fmt::format("a whole number from {} to {}", low, high));
    return low;
  }
  return *number;
}

std::int64_t Fields::IntegerOr(const char* key, std::int64_t low, std::int64_t high,
                               std::int64_t fallback) {
  return MayHave(key) ? Integer(key, low, high) : fallback;
}

Fields Fields::Object(const char* key) { return {Any(key), PathOf(key), *sink_}; }

std::vector<Fields> Fields::Items(const char* key, std::size_t max_items) {
  std::vector<Fields> items;
  const Json* array = Array(key, max_items);
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
    items.emplace_back(&(*array)[i], fmt::format("{}[{}]", PathOf(key), i), *sink_);
  }
  return items;
}

std::vector<Fields> Fields::ItemsOrNone(const char* key, std::size_t max_items) {
  return MayHave(key) ? Items(key, max_items) : std::vector<Fields>();
}

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
    if (known_.contains(key) || (sink_->rules().extensions && key.starts_with("x-"))) continue;
    sink_->Set(OneLine(PathOf(key.substr(0, 80))), "is no key of this version",
               fmt::format("one of {}", fmt::join(known_, ", ")));
  }
}

}  // namespace visavis
