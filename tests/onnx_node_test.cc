// Runs the node test vectors of the ONNX project (Debian package libonnx-testdata) and checks that
// docs/operators.md tells the truth: which operators, which cases pass, what is refused and why.
//
// VISAVIS_UPDATE_DOCS=1 in the environment rewrites the page instead of comparing with it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/try.h"
#include "model/onnx/onnx_import.h"
#include "model/onnx/tensor_proto.h"
#include "runtime/ops/registry.h"
#include "tests/tensor_numbers.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCases = "/usr/share/libonnx-testdata/data/node";
// As onnx/backend/test/runner.
constexpr double kRelativeTolerance = 1e-3;
constexpr double kAbsoluteTolerance = 1e-7;

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Result<Tensor> LoadTensor(const fs::path& path) {
  onnx::TensorProto proto;
  if (!proto.ParseFromString(ReadAll(path))) {
    return MakeError(ErrorCode::kUnsupported, "test data that are no tensor");
  }
  std::optional<std::span<const std::uint8_t>> raw;
  if (proto.has_raw_data()) {
    raw.emplace(reinterpret_cast<const std::uint8_t*>(proto.raw_data().data()),
                proto.raw_data().size());
  }
  return onnx_format::ReadTensor(proto, raw, path.filename().string(), {});
}

Result<std::vector<Tensor>> LoadTensors(const fs::path& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (int i = 0; fs::exists(folder / fmt::format("{}_{}.pb", prefix, i)); ++i) {
    VISAVIS_ASSIGN_OR_RETURN(Tensor tensor,
                             LoadTensor(folder / fmt::format("{}_{}.pb", prefix, i)));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

// Empty if equal within the tolerance.
std::string Difference(const Tensor& got, const Tensor& want) {
  if (got.dtype() != want.dtype() || got.shape() != want.shape()) {
    return fmt::format("{} {}, want {} {}", Name(got.dtype()), got.shape().ToString(),
                       Name(want.dtype()), want.shape().ToString());
  }
  const std::vector<double> a = Numbers(got);
  const std::vector<double> b = Numbers(want);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same =
        a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) ||
        std::abs(a[i] - b[i]) <= kAbsoluteTolerance + kRelativeTolerance * std::abs(b[i]);
    if (!same) return fmt::format("element {} is {}, want {}", i, a[i], b[i]);
  }
  return {};
}

// numpy had no bfloat16 when the cases were made: their bits are stored as uint16.
void TakeBitsAs(DType dtype, Tensor& tensor) {
  if (dtype != DType::kBF16 || tensor.dtype() != DType::kU16) return;
  Tensor typed(DType::kBF16, tensor.shape());
  std::memcpy(typed.raw(), tensor.raw(), tensor.size_bytes());
  tensor = std::move(typed);
}

Status CheckOutputs(const Model& model, bool reference, std::vector<Tensor>& inputs,
                    std::vector<Tensor>& wanted) {
  SessionOptions options;
  options.reference = reference;
  VISAVIS_ASSIGN_OR_RETURN(const Session session, Session::Create(model, options));
  for (std::size_t i = 0; i < std::min(inputs.size(), session.inputs().size()); ++i) {
    TakeBitsAs(session.inputs()[i].dtype, inputs[i]);
  }
  const std::vector<TensorView> views(inputs.begin(), inputs.end());
  std::vector<Tensor> outputs(session.outputs().size());
  VISAVIS_RETURN_IF_ERROR(session.Run(views, outputs));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    TakeBitsAs(outputs[i].dtype(), wanted[i]);
    const std::string difference = Difference(outputs[i], wanted[i]);
    if (!difference.empty()) {
      return MakeError(ErrorCode::kInternal, "output {}: {}", i, difference);
    }
  }
  return {};
}

Result<Model> ModelFromBytes(const std::string& bytes, const Limits& limits) {
  VISAVIS_ASSIGN_OR_RETURN(
      Graph graph, ImportOnnx({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                              "model", limits));
  return Model::FromGraph(std::move(graph));
}

// Cases older than operator set 7 describe operators that did not change until 7.
Result<std::string> ReadModel(const fs::path& path) {
  onnx::ModelProto proto;
  if (!proto.ParseFromString(ReadAll(path))) {
    return MakeError(ErrorCode::kCorruptData, "{}: no model", path.string());
  }
  for (onnx::OperatorSetIdProto& opset : *proto.mutable_opset_import()) {
    if (opset.domain().empty() && opset.version() < kFirstOpset) opset.set_version(kFirstOpset);
  }
  return proto.SerializeAsString();
}

// As written, and as compiled for speed.
Status RunCase(const fs::path& folder) {
  VISAVIS_ASSIGN_OR_RETURN(const std::string bytes, ReadModel(folder / "model.onnx"));
  VISAVIS_ASSIGN_OR_RETURN(const Model model, ModelFromBytes(bytes, {}));
  const fs::path data = folder / "test_data_set_0";
  VISAVIS_ASSIGN_OR_RETURN(std::vector<Tensor> inputs, LoadTensors(data, "input"));
  VISAVIS_ASSIGN_OR_RETURN(std::vector<Tensor> outputs, LoadTensors(data, "output"));
  VISAVIS_RETURN_IF_ERROR(CheckOutputs(model, true, inputs, outputs));
  return CheckOutputs(model, false, inputs, outputs);
}

std::set<std::string> OperatorTypes(const fs::path& folder) {
  onnx::ModelProto proto;
  std::set<std::string> types;
  if (!proto.ParseFromString(ReadAll(folder / "model.onnx"))) return types;
  for (const onnx::NodeProto& node : proto.graph().node()) types.insert(node.op_type());
  return types;
}

// Cases whose data are at fault, and how.
const std::map<std::string, std::string>& FaultyCases() {
  static const std::map<std::string, std::string> kFaulty = {
      {"test_cast_FLOAT_to_BFLOAT16", "the vectors truncate; visavis rounds to nearest"},
      {"test_castlike_BFLOAT16_to_FLOAT", "data and declared shape of 'like' disagree"},
      {"test_castlike_BFLOAT16_to_FLOAT_expanded", "data and declared shape of 'like' disagree"},
      {"test_castlike_FLOAT_to_BFLOAT16", "data and declared shape of 'like' disagree"},
      {"test_castlike_FLOAT_to_BFLOAT16_expanded", "data and declared shape of 'like' disagree"},
  };
  return kFaulty;
}

struct Tally {
  std::vector<std::string> passed;
  std::map<std::string, std::string> refused;  // case -> reason
};

// Reasons name files and nodes; the page keeps what comes after.
std::string ShortReason(const std::string& message) {
  const std::size_t last = message.rfind("): ");
  const std::string reason = last == std::string::npos ? message : message.substr(last + 3);
  const std::string prefix = "model: ";
  return reason.starts_with(prefix) ? reason.substr(prefix.size()) : reason;
}

std::string Page(const std::map<std::string, Tally>& tallies) {
  std::ostringstream page;
  page << "# Operators\n\n"
          "The dense operators of `src/runtime/ops`, and how many of the ONNX project's node test\n"
          "vectors (release 1.12, operator set 17) they pass. `onnx_node_test` writes and checks "
          "this page.\n"
          "ONNX Runtime's own operators (com.microsoft) have no vectors there: "
          "`quantized_operators_test` compares\nthem with ONNX Runtime's results. "
          "Whatever is not in this table is refused with the names of node, operator and operator "
          "set.\n\n"
          "| Operator | Operator sets | Cases passed | Not implemented |\n|---|---|---|---|\n";
  for (const OperatorEntry& entry : OperatorTable()) {
    const auto tally = tallies.find(std::string(entry.op_type));
    const std::size_t passed = tally == tallies.end() ? 0 : tally->second.passed.size();
    const std::size_t refused = tally == tallies.end() ? 0 : tally->second.refused.size();
    if (entry.domain.empty()) {
      page << fmt::format("| {} | {}-{} | {}/{} | {} |\n", entry.op_type, entry.first_opset,
                          entry.last_opset, passed, passed + refused, entry.refuses);
    } else {
      page << fmt::format("| {}.{} | any | | {} |\n", entry.domain, entry.op_type, entry.refuses);
    }
  }
  page << "\n## Cases refused\n\n| Case | Why |\n|---|---|\n";
  for (const auto& [name, tally] : tallies) {
    for (const auto& [which, reason] : tally.refused) {
      page << fmt::format("| {} | {} |\n", which, reason);
    }
  }
  page
      << "\n## Cases passed\n\nCases that need several operators are listed under \"several\".\n\n";
  for (const auto& [name, tally] : tallies) {
    if (!tally.passed.empty()) {
      page << fmt::format("- {}: {}\n", name, fmt::join(tally.passed, " "));
    }
  }
  return page.str();
}

std::vector<fs::path> CaseFolders() {
  std::vector<fs::path> folders;
  for (const fs::directory_entry& entry : fs::directory_iterator(kCases)) {
    folders.push_back(entry.path());
  }
  std::ranges::sort(folders);
  return folders;
}

std::set<std::string> ClaimedTypes() {
  std::set<std::string> claimed;
  for (const OperatorEntry& entry : OperatorTable()) {
    if (entry.domain.empty()) claimed.emplace(entry.op_type);
  }
  return claimed;
}

TEST(OnnxNodeTest, ThePageOfOperatorsIsTrue) {
  if (!fs::exists(kCases)) {
    GTEST_SKIP() << "SKIPPED: " << kCases << " is missing; install libonnx-testdata";
  }
  const std::set<std::string> claimed = ClaimedTypes();
  std::map<std::string, Tally> tallies;
  for (const fs::path& folder : CaseFolders()) {
    const std::set<std::string> types = OperatorTypes(folder);
    if (types.empty() || !std::ranges::includes(claimed, types)) continue;
    const std::string name = folder.filename().string();
    const Status status = RunCase(folder);
    Tally& tally = tallies[types.size() == 1 ? *types.begin() : "several"];
    if (status.has_value()) {
      tally.passed.push_back(name);
      continue;
    }
    if (const auto faulty = FaultyCases().find(name); faulty != FaultyCases().end()) {
      tally.refused[name] = faulty->second;
      continue;
    }
    // Anything else but a refusal is a bug.
    EXPECT_EQ(status.error().code, ErrorCode::kUnsupported)
        << name << ": " << status.error().message;
    tally.refused[name] = ShortReason(status.error().message);
  }

  const std::string page = Page(tallies);
  const fs::path path = fs::path(VISAVIS_SOURCE_DIR) / "docs/operators.md";
  if (std::getenv("VISAVIS_UPDATE_DOCS") != nullptr) {
    std::ofstream(path) << page;
    return;
  }
  EXPECT_EQ(ReadAll(path), page) << "run again with VISAVIS_UPDATE_DOCS=1";
}

// Models whose bytes were changed at random reach every operator with attributes and shapes nobody
// would write. Each is refused or runs.
TEST(OnnxNodeTest, DamagedModelsAreRefusedOrRun) {
  if (!fs::exists(kCases)) {
    GTEST_SKIP() << "SKIPPED: " << kCases << " is missing; install libonnx-testdata";
  }
  constexpr int kChangesPerCase = 40;
  SessionOptions options;
  options.limits.tensor_elements = 1 << 16;
  options.limits.arena_bytes = 1 << 24;
  std::mt19937 random(20240229);
  const std::set<std::string> claimed = ClaimedTypes();
  int ran = 0;
  int refused = 0;
  for (const fs::path& folder : CaseFolders()) {
    const std::set<std::string> types = OperatorTypes(folder);
    if (types.empty() || !std::ranges::includes(claimed, types)) continue;
    const Result<std::string> bytes = ReadModel(folder / "model.onnx");
    const auto inputs = LoadTensors(folder / "test_data_set_0", "input");
    if (!bytes || !inputs) continue;
    const std::vector<TensorView> views(inputs->begin(), inputs->end());
    for (int change = 0; change < kChangesPerCase; ++change) {
      std::string damaged = *bytes;
      for (int k = 0; k <= change % 3; ++k) {
        damaged[random() % damaged.size()] = static_cast<char>(random());
      }
      options.reference = change % 2 == 0;
      const Result<Model> model = ModelFromBytes(damaged, options.limits);
      if (!model) continue;
      const Result<Session> session = Session::Create(*model, options);
      if (!session) {
        ++refused;
        continue;
      }
      std::vector<Tensor> outputs(session->outputs().size());
      session->Run(views, outputs) ? ++ran : ++refused;
    }
  }
  // Damage that only reached names leaves most models running.
  EXPECT_GT(ran, 100);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace visavis
