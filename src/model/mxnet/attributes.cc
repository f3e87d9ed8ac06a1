#include "model/mxnet/attributes.h"

#include <charconv>
#include <optional>

#include "base/error.h"

namespace visavis::mxnet {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::optional<std::int64_t> ParseInt(std::string_view text) {
  text = Trim(text);
  if (text.ends_with('L')) text.remove_suffix(1);
  return ParseNumber<std::int64_t>(text);
}

std::optional<std::vector<std::int64_t>> ParseTuple(std::string_view text) {
  text = Trim(text);
  const bool bracketed = text.size() >= 2 && ((text.front() == '(' && text.back() == ')') ||
                                              (text.front() == '[' && text.back() == ']'));
  if (bracketed) text = Trim(text.substr(1, text.size() - 2));
  std::vector<std::int64_t> values;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::optional<std::int64_t> value = ParseInt(text.substr(0, comma));
    if (!value) return std::nullopt;
    values.push_back(*value);
    text = comma == std::string_view::npos ? std::string_view() : Trim(text.substr(comma + 1));
  }
  return values;
}

}  // namespace

const std::string* AttributeReader::Find(std::string_view key) const {
  const auto it = node_.attributes.find(key);
  return it == node_.attributes.end() ? nullptr : &it->second;
}

void AttributeReader::Fail(std::string_view key, std::string_view wanted) {
  if (!status_) return;
  status_ = MakeError(ErrorCode::kCorruptData, "{}: node {} ({}): {} is '{}', want {}", where_,
                      node_.name, node_.op, key, *Find(key), wanted);
}

bool AttributeReader::Has(std::string_view key) const {
  const std::string* text = Find(key);
  return text != nullptr && *text != "None";
}

std::string AttributeReader::String(std::string_view key, std::string_view fallback) const {
  return Has(key) ? *Find(key) : std::string(fallback);
}

bool AttributeReader::Bool(std::string_view key, bool fallback) {
  if (!Has(key)) return fallback;
  const std::string& text = *Find(key);
  if (text == "True" || text == "true" || text == "1") return true;
  if (text == "False" || text == "false" || text == "0") return false;
  Fail(key, "True or False");
  return fallback;
}

std::int64_t AttributeReader::Int(std::string_view key, std::int64_t fallback) {
  if (!Has(key)) return fallback;
  if (const auto value = ParseInt(*Find(key))) return *value;
  Fail(key, "an integer");
  return fallback;
}

double AttributeReader::Number(std::string_view key, double fallback) {
  if (!Has(key)) return fallback;
  if (const auto value = ParseNumber<double>(Trim(*Find(key)))) return *value;
  Fail(key, "a number");
  return fallback;
}

std::vector<std::int64_t> AttributeReader::Tuple(std::string_view key,
                                                 std::vector<std::int64_t> fallback) {
  if (!Has(key)) return fallback;
  if (auto values = ParseTuple(*Find(key))) return *std::move(values);
  Fail(key, "integers such as (3, 3)");
  return fallback;
}

}  // namespace visavis::mxnet
