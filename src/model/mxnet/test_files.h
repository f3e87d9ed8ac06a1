// Small MXNet files made in memory, for tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace visavis::mxnet {

using Bytes = std::vector<std::uint8_t>;

/// The layout of one array's header.
enum class ArrayFormat { kV0, kV1, kV2, kV3 };

inline std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// Builds a .params file array by array.
class ParamsBuilder {
 public:
  ParamsBuilder& Add(const std::string& name, const std::vector<std::int64_t>& shape,
                     const std::vector<float>& values, ArrayFormat format = ArrayFormat::kV2) {
    Header(format, 0, shape, 0);
    for (const float value : values) Put(arrays_, value);
    return Name(name);
  }
  /// An array of any element type, from raw bytes.
  ParamsBuilder& AddRaw(const std::string& name, const std::vector<std::int64_t>& shape,
                        std::int32_t type_flag, std::span<const std::uint8_t> data,
                        ArrayFormat format = ArrayFormat::kV2, std::int32_t storage = 0) {
    Header(format, storage, shape, type_flag);
    arrays_.insert(arrays_.end(), data.begin(), data.end());
    return Name(name);
  }

  Bytes Build() const {
    Bytes file;
    Put(file, std::uint64_t{0x112});
    Put(file, std::uint64_t{0});
    Put(file, static_cast<std::uint64_t>(names_.size()));
    file.insert(file.end(), arrays_.begin(), arrays_.end());
    Put(file, static_cast<std::uint64_t>(names_.size()));
    for (const std::string& name : names_) {
      Put(file, static_cast<std::uint64_t>(name.size()));
      file.insert(file.end(), name.begin(), name.end());
    }
    return file;
  }

  template <typename T>
  static void Put(Bytes& to, T value) {
    std::uint8_t raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    for (const std::uint8_t byte : raw) to.push_back(byte);
  }

 private:
  void Header(ArrayFormat format, std::int32_t storage, const std::vector<std::int64_t>& shape,
              std::int32_t type_flag) {
    const auto rank = static_cast<std::uint32_t>(shape.size());
    if (format == ArrayFormat::kV1) Put(arrays_, std::uint32_t{0xF993FAC8});
    if (format == ArrayFormat::kV2) Put(arrays_, std::uint32_t{0xF993FAC9});
    if (format == ArrayFormat::kV3) Put(arrays_, std::uint32_t{0xF993FACA});
    if (format == ArrayFormat::kV2 || format == ArrayFormat::kV3) Put(arrays_, storage);
    Put(arrays_, rank);
    for (const std::int64_t extent : shape) {
      if (format == ArrayFormat::kV0) {
        Put(arrays_, static_cast<std::uint32_t>(extent));
      } else {
        Put(arrays_, extent);
      }
    }
    Put(arrays_, std::int32_t{1});  // device type: CPU
    Put(arrays_, std::int32_t{0});
    Put(arrays_, type_flag);
  }

  ParamsBuilder& Name(const std::string& name) {
    names_.push_back(name);
    return *this;
  }

  Bytes arrays_;
  std::vector<std::string> names_;
};

}  // namespace visavis::mxnet
