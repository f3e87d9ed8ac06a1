#include "base/npy.h"

#include <gtest/gtest.h>

#include <cstring>

namespace visavis {
namespace {

std::vector<std::uint8_t> Bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::vector<std::uint8_t> File(std::vector<std::int64_t> shape, const std::vector<float>& values) {
  std::vector<std::uint8_t> bytes = Bytes(NpyHeader(shape));
  const auto* raw = reinterpret_cast<const std::uint8_t*>(values.data());
  bytes.insert(bytes.end(), raw, raw + values.size() * sizeof(float));
  return bytes;
}

std::vector<std::uint8_t> FileWithHeader(const std::string& dictionary, std::size_t floats) {
  std::string text("\x93NUMPY\x01\x00", 8);
  text.push_back(static_cast<char>(dictionary.size()));
  text.push_back(0);
  return Bytes(text + dictionary + std::string(4 * floats, '\0'));
}

ErrorCode CodeOf(const std::vector<std::uint8_t>& bytes, std::int64_t limit = 1000) {
  const Result<NpyArray> array = ParseNpy(bytes, "test.npy", limit);
  return array ? ErrorCode{} : array.error().code;
}

TEST(Npy, HeaderIsNumpysOwn) {
  // numpy.save of a float32 array of shape (2, 3), numpy 2.4.
  const std::string header = NpyHeader(std::vector<std::int64_t>{2, 3});
  EXPECT_EQ(header.size(), 128u);
  EXPECT_EQ(header.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(header.substr(10, 59), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  EXPECT_EQ(header.back(), '\n');
  EXPECT_NE(NpyHeader(std::vector<std::int64_t>{5}).find("(5,)"), std::string::npos);
  EXPECT_NE(NpyHeader({}).find("()"), std::string::npos);
}

TEST(Npy, ReadsWhatItWrites) {
  const std::vector<float> values = {1, -2.5f, 3, 0, 1e30f, -0.0f};
  const Result<NpyArray> array = ParseNpy(File({2, 3}, values), "test.npy", 6);
  ASSERT_TRUE(array) << array.error().message;
  EXPECT_EQ(array->shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(array->values, values);
}

TEST(Npy, ReadsAnyOrderOfKeysAndNoTrailingComma) {
  const auto bytes = FileWithHeader("{\"shape\":(2,),'fortran_order':False,'descr':'<f4'}  \n", 2);
  const Result<NpyArray> array = ParseNpy(bytes, "test.npy", 6);
  ASSERT_TRUE(array) << array.error().message;
  EXPECT_EQ(array->shape, (std::vector<std::int64_t>{2}));
}

TEST(Npy, RefusesOtherElements) {
  EXPECT_EQ(CodeOf(FileWithHeader("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", 2)),
            ErrorCode::kUnsupported);
  EXPECT_EQ(CodeOf(FileWithHeader("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 1)),
            ErrorCode::kUnsupported);
  EXPECT_EQ(CodeOf(FileWithHeader("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", 1)),
            ErrorCode::kUnsupported);
}

TEST(Npy, RefusesSizesAboveTheLimitOrBeyondTheFile) {
  EXPECT_EQ(CodeOf(File({2, 3}, {1, 2, 3, 4, 5, 6}), 5), ErrorCode::kLimitExceeded);
  EXPECT_EQ(CodeOf(FileWithHeader("{'descr': '<f4', 'fortran_order': False, 'shape': "
                                  "(4294967296, 4294967296, 4), }",
                                  1)),
            ErrorCode::kLimitExceeded);
  EXPECT_EQ(CodeOf(File({2, 3}, {1, 2, 3, 4, 5})), ErrorCode::kCorruptData);
  EXPECT_EQ(CodeOf(File({2, 3}, {1, 2, 3, 4, 5, 6, 7})), ErrorCode::kCorruptData);
}

TEST(Npy, RefusesBrokenHeaders) {
  for (const char* dictionary :
       {"", "{", "{}", "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1, }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } trailing"}) {
    EXPECT_EQ(CodeOf(FileWithHeader(dictionary, 1)), ErrorCode::kCorruptData) << dictionary;
  }
}

TEST(Npy, RefusesEveryTruncation) {
  const std::vector<std::uint8_t> whole = File({2, 3}, {1, 2, 3, 4, 5, 6});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::uint8_t> cut(whole.begin(),
                                        whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(CodeOf(cut), ErrorCode::kCorruptData) << size;
  }
}

}  // namespace
}  // namespace visavis
