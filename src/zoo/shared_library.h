// Libraries that only some runs need, opened on first use: no run of a program loads what it does
// not need (docs/decisions/0002).
#pragma once

#include <initializer_list>

namespace visavis {

/// A library found under the first name that opens; it stays open for good.
class SharedLibrary {
 public:
  explicit SharedLibrary(std::initializer_list<const char*> names);
  explicit operator bool() const { return handle_ != nullptr; }

  /// Sets `function` to the symbol; false if there is no library or no such symbol.
  template <typename Function>
  bool Bind(const char* symbol, Function& function) const {
    function = reinterpret_cast<Function>(Find(symbol));
    return function != nullptr;
  }

 private:
  void* Find(const char* symbol) const;
  void* handle_ = nullptr;
};

}  // namespace visavis
