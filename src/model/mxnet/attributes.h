// MXNet's attributes: typed values behind strings such as "(3, 3)", "True" or "1e-05".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/mxnet/symbol.h"
#include "visavis/result.h"

namespace visavis::mxnet {

/// Reads the attributes of one node. A malformed value reads as the fallback and is remembered, so
/// that a translation reads all it needs and then checks status() once.
class AttributeReader {
 public:
  /// `where` names the file in messages. Both must outlive the reader.
  AttributeReader(const SymbolNode& node, std::string_view where) : node_(node), where_(where) {}

  bool Has(std::string_view key) const;
  std::string String(std::string_view key, std::string_view fallback) const;
  /// "True", "true" or "1"; "False", "false" or "0".
  bool Bool(std::string_view key, bool fallback);
  std::int64_t Int(std::string_view key, std::int64_t fallback);
  double Number(std::string_view key, double fallback);
  /// "(3, 3)", "[3,3]", "(3,)", "3" or with Python 2's suffix "(3L, 3L)"; "()" is empty.
  std::vector<std::int64_t> Tuple(std::string_view key, std::vector<std::int64_t> fallback);

  /// The first malformed value, if any: kCorruptData.
  const Status& status() const { return status_; }

 private:
  const std::string* Find(std::string_view key) const;
  void Fail(std::string_view key, std::string_view wanted);

  const SymbolNode& node_;
  std::string_view where_;
  Status status_;
};

}  // namespace visavis::mxnet
