// Damaged files: an error or a valid graph, never a crash, a hang or memory beyond the file's size.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

#include "model/convert.h"
#include "model/info.h"
#include "model/mxnet/mxnet_import.h"
#include "model/onnx/onnx_export.h"
#include "model/onnx/onnx_import.h"
#include "tests/shared_data.h"

namespace visavis {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr int kMutations = 1000;

Bytes ReadShared(const std::string& path) {
  std::ifstream file(SharedPath(path), std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

// Whatever was read must also be safe to look at, clean and write.
void UseGraph(const Result<Graph>& graph) {
  if (!graph) {
    EXPECT_FALSE(graph.error().message.empty());
    EXPECT_NE(graph.error().code, ErrorCode::kInternal);
    return;
  }
  InfoOf(*graph, {});
  const auto clean = CleanGraph(*graph);
  ASSERT_TRUE(clean) << clean.error().message;
  const auto written = ExportOnnx(*clean);
  if (!written) {
    EXPECT_NE(written.error().code, ErrorCode::kInternal);
  }
}

template <typename Import>
void Damage(const Bytes& whole, Import&& import) {
  ASSERT_FALSE(whole.empty());
  for (std::size_t part = 0; part < 20; ++part) {
    const Bytes cut(whole.begin(),
                    whole.begin() + static_cast<std::ptrdiff_t>(whole.size() * part / 20));
    const Result<Graph> graph = import(cut);
    EXPECT_FALSE(graph) << "cut after " << cut.size() << " bytes";
    UseGraph(graph);
  }
  std::mt19937 random(7);
  Bytes damaged = whole;
  int survivors = 0;
  for (int i = 0; i < kMutations; ++i) {
    // Half of the changes go to either end, where the headers are.
    const std::size_t range = i % 2 == 0 ? whole.size() : std::min<std::size_t>(whole.size(), 4096);
    std::size_t at = random() % range;
    if (i % 4 == 3) at = whole.size() - 1 - at;
    damaged[at] = static_cast<std::uint8_t>(random());
    const Result<Graph> graph = import(damaged);
    survivors += graph ? 1 : 0;
    UseGraph(graph);
    damaged[at] = whole[at];
  }
  EXPECT_GT(survivors, 0);
  EXPECT_LT(survivors, kMutations);
}

TEST(HostileModelTest, Onnx) {
  for (const char* file :
       {"models/yunet/yunet_s_640_640.onnx", "models/yunet/yunet_n_dynamic.onnx"}) {
    VISAVIS_REQUIRE_SHARED(file);
    Damage(ReadShared(file),
           [](const Bytes& bytes) { return ImportOnnx(bytes, "m.onnx", Limits{}); });
  }
}

TEST(HostileModelTest, MxnetSymbol) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn/det2-symbol.json");
  const Bytes params = ReadShared("models/mtcnn/det2-0001.params");
  Damage(ReadShared("models/mtcnn/det2-symbol.json"), [&](const Bytes& symbol) {
    return ImportMxnet(symbol, "s.json", params, "p.params", Limits{});
  });
}

TEST(HostileModelTest, MxnetParams) {
  VISAVIS_REQUIRE_SHARED("models/mtcnn/det1-symbol.json");
  const Bytes symbol = ReadShared("models/mtcnn/det1-symbol.json");
  Damage(ReadShared("models/mtcnn/det1-0001.params"), [&](const Bytes& params) {
    return ImportMxnet(symbol, "s.json", params, "p.params", Limits{});
  });
}

}  // namespace
}  // namespace visavis
