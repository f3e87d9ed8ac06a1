// A reader of Python pickles that can only ever build plain data.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"

namespace visavis {

/// Bounds on what a pickle may make us hold. One opcode makes at most one object of fixed size, so
/// the object count bounds the memory; payloads are not copied.
struct PickleLimits {
  std::int64_t objects = 20'000'000;
  std::int64_t stack = 20'000'000;
};

/// A pickle turned into plain data: numbers, byte strings, texts, lists, tuples and NumPy arrays.
/// Only the opcodes and globals in docs/formats/bin.md are known; any other one is kUnsupported,
/// and nothing in the file is ever executed. Objects refer to each other by index, so shared and
/// repeated values cost nothing. Threads: const members are safe concurrently.
class Pickle {
 public:
  enum class Kind : std::uint8_t {
    kNone,
    kBool,
    kInt,
    kBytes,  ///< bytes, bytearray, and the str of Python 2
    kText,   ///< UTF-8
    kList,
    kTuple,
    kGlobal,  ///< one of the permitted names; never called
    kDType,   ///< an element type of NumPy
    kArray,   ///< a NumPy array
  };
  using Id = std::uint32_t;

  struct Object {
    Kind kind = Kind::kNone;
    std::uint8_t type_code = 0;  ///< kDType, kArray: 'b' bool, 'i' signed, 'u' unsigned, 'f' float
    std::uint8_t item_size = 0;  ///< kDType, kArray: bytes per element
    bool fortran = false;        ///< kArray: column-major
    std::int64_t number = 0;     ///< kBool, kInt; kGlobal: which one
    std::string_view bytes{};    ///< kBytes, kText, kArray (raw little-endian elements)
    std::vector<Id> items{};     ///< kList, kTuple
    std::vector<std::int64_t> shape{};  ///< kArray
  };

  /// Parses one pickle of protocol 0 to 5. `bytes` must outlive the result; `name` stands in
  /// messages. Errors: kCorruptData (truncated, malformed; with the byte offset), kUnsupported (an
  /// opcode or global outside the permitted set), kLimitExceeded.
  static Result<Pickle> Parse(std::span<const std::uint8_t> bytes, const std::string& name,
                              const PickleLimits& limits = {});

  const Object& root() const { return objects_[root_]; }
  const Object& at(Id id) const { return objects_[id]; }
  Id root_id() const { return root_; }

 private:
  friend class PickleMachine;
  std::vector<Object> objects_;
  std::deque<std::string> decoded_;  // payloads that had to be unescaped; addresses stay
  Id root_ = 0;
};

}  // namespace visavis
