// Reads one object of a registry file, key by key, with one error for all that may be wrong.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// Parses JSON of an untrusted file. Errors: kLimitExceeded beyond 1 MiB or 32 levels, kCorruptData
/// for anything that is not JSON; messages begin with `where`.
Result<nlohmann::json> ParseJson(std::string_view text, const std::string& where);

/// The first error stays; what follows it is not looked at. Finish() also refuses keys that nobody
/// asked for, except those that begin with "x-".
class ObjectReader {
 public:
  /// Both must outlive the reader. `where` begins every message. Scalars given as text (YAML) count
  /// as numbers and truth values where these are wanted.
  ObjectReader(const nlohmann::json& object, std::string where);

  /// Null if absent or null.
  const nlohmann::json* Find(const char* key);
  void Text(const char* key, std::string& value, bool required = false);
  void Texts(const char* key, std::vector<std::string>& value);
  void Integer(const char* key, std::int64_t& value, std::int64_t max);
  void Number(const char* key, double& value);
  void Numbers(const char* key, std::vector<double>& value);
  /// Numbers and texts alike, as text: shapes with open dimensions.
  void Dimensions(const char* key, std::vector<std::string>& value);
  /// Unknown keys are none of our business: a format that others write.
  void AllowUnknownKeys() { unknown_keys_allowed_ = true; }

  /// Calls read(const json& element, std::string where) -> Status for every element of a list.
  template <typename Read>
  void Each(const char* key, Read read) {
    const nlohmann::json* list = List(key);
    if (list == nullptr) return;
    std::size_t index = 0;
    for (const nlohmann::json& element : *list) {
      if (!status_) return;
      status_ = read(element, where_ + ": " + key + "[" + std::to_string(index++) + "]");
    }
  }

  void Fail(const std::string& what);
  bool ok() const { return status_.has_value(); }
  const std::string& where() const { return where_; }
  Status Finish();

 private:
  const nlohmann::json* List(const char* key);

  const nlohmann::json& object_;
  std::string where_;
  Status status_;
  std::set<std::string> known_;
  bool unknown_keys_allowed_ = false;
};

}  // namespace visavis
