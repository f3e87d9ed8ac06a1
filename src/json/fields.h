// A JSON object field by field, with errors that say where, what was found and what was wanted.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// How a format writes values, where that differs from plain JSON.
struct FieldRules {
  bool numbers_as_text = false;  ///< "12" counts as 12: scalars of YAML
  bool null_is_absent = false;   ///< a key whose value is null counts as missing
  bool extensions = false;       ///< keys that begin with "x-" are never unknown
};

/// The first thing found wrong in a document; later ones are mostly its consequences.
class FirstError {
 public:
  explicit FirstError(std::string where, const FieldRules& rules = {})
      : where_(std::move(where)), rules_(rules) {}
  /// "WHERE: PATH: FOUND, want WANTED".
  void Set(std::string_view path, std::string_view found, std::string_view wanted,
           ErrorCode code = ErrorCode::kCorruptData);
  const std::optional<Error>& error() const { return error_; }
  const FieldRules& rules() const { return rules_; }

 private:
  std::string where_;
  FieldRules rules_;
  std::optional<Error> error_;
};

/// One object. A field that is missing or wrong is reported to `sink`, and reads as a plain value:
/// empty, or the lowest that is allowed. Readers whose names say Or take a missing one for granted.
class Fields {
 public:
  Fields(const nlohmann::json* object, std::string path, FirstError& sink);

  /// Whether the optional key is there.
  bool MayHave(const char* key);
  std::string Text(const char* key, std::size_t max_bytes, bool may_be_empty = false);
  std::string TextOr(const char* key, std::size_t max_bytes, std::string_view fallback);
  std::vector<std::string> TextsOrNone(const char* key, std::size_t max_items,
                                       std::size_t max_bytes);
  bool Flag(const char* key);
  double Number(const char* key, double low, double high);
  double NumberOr(const char* key, double low, double high, double fallback);
  std::vector<double> NumbersOrNone(const char* key, std::size_t max_items, double low,
                                    double high);
  std::int64_t Integer(const char* key, std::int64_t low = 0,
                       std::int64_t high = std::numeric_limits<std::int64_t>::max());
  std::int64_t IntegerOr(const char* key, std::int64_t low, std::int64_t high,
                         std::int64_t fallback);
  Fields Object(const char* key);
  /// The objects of an array.
  std::vector<Fields> Items(const char* key, std::size_t max_items);
  std::vector<Fields> ItemsOrNone(const char* key, std::size_t max_items);
  /// Null if it is no array of at most `max_items`.
  const nlohmann::json* Array(const char* key, std::size_t max_items);
  /// The value itself; null and reported if missing.
  const nlohmann::json* Any(const char* key);
  /// Reports a value that was read but is not right.
  void Refuse(const char* key, std::string_view found, std::string_view wanted,
              ErrorCode code = ErrorCode::kCorruptData);
  /// Reports keys that nobody asked for. Left out where others may add some.
  void Finish();

  std::string PathOf(std::string_view key) const;
  FirstError& sink() const { return *sink_; }

 private:
  const nlohmann::json* Find(const char* key);

  const nlohmann::json* object_;  // null if it was no object
  std::string path_;
  FirstError* sink_;
  std::set<std::string, std::less<>> known_;
};

/// What a value is, for messages: its text if short, else its kind.
std::string Found(const nlohmann::json& json);

}  // namespace visavis
