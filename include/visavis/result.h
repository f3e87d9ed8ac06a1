// Errors as values: Error, Result<T> and Status, with std::expected's member names.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace visavis {

/// What kind of failure it was. docs/errors.md maps each code to an exit code.
enum class ErrorCode {
  kInvalidArgument,  ///< the caller asked for something that makes no sense
  kNotFound,         ///< a file, model or name does not exist
  kCorruptData,      ///< bytes that are not what they claim to be
  kUnsupported,      ///< well-formed, but something we do not implement
  kLimitExceeded,    ///< larger than the Limits in force
  kIo,               ///< the operating system refused to read, write or connect
  kCancelled,        ///< stopped on request
  kInternal,         ///< a bug in visavis
};

/// The stable lower-case name of a code, as printed and as found in JSON ("corrupt_data").
std::string_view ErrorCodeName(ErrorCode code);

/// A failure: its kind, and one line that says where, what was found and what was wanted.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

namespace internal {
/// Prints the error and aborts: value() of a failed Result is a bug in the caller.
[[noreturn]] void DieOnBadResult(const Error& error);
}  // namespace internal

/// Either a T or an Error. Member names are those of std::expected.
/// Threads: as T.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  using error_type = Error;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit
  template <typename U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, T> &&
           !std::is_same_v<std::remove_cvref_t<U>, Error>) Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT: implicit

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return Checked(), *std::get_if<0>(&state_); }
  const T& value() const& { return Checked(), *std::get_if<0>(&state_); }
  T&& value() && { return Checked(), std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

  template <typename U>
  T value_or(U&& fallback) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(fallback));
  }

 private:
  void Checked() const {
    if (!has_value()) internal::DieOnBadResult(error());
  }
  std::variant<T, Error> state_;
};

/// Success or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  using error_type = Error;

  Result() = default;
  Result(Error error) : failed_(true), error_(std::move(error)) {}  // NOLINT: implicit

  bool has_value() const { return !failed_; }
  explicit operator bool() const { return has_value(); }
  void value() const {
    if (failed_) internal::DieOnBadResult(error_);
  }
  const Error& error() const& { return error_; }
  Error&& error() && { return std::move(error_); }

 private:
  bool failed_ = false;
  Error error_;
};

using Status = Result<void>;

}  // namespace visavis
