// Faults planted into MobileFaceNet, and whether the doctor names them: by the published weights
// alone, and by what the network does with faces alone.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>

#include "doctor/doctor.h"
#include "doctor/known_weights.h"
#include "doctor/pack.h"
#include "golden_faces.h"
#include "tests/scratch_folder.h"
#include "visavis/recognize.h"

namespace visavis {
namespace {

Graph Healthy() { return LoadMobileFaceNet().graph(); }

Node& First(Graph& graph, std::string_view op) {
  return *std::ranges::find_if(graph.nodes, [&](const Node& n) { return n.op_type == op; });
}

std::vector<float> ValuesOf(const Graph& graph, ValueId id) {
  const std::span<const float> values = graph.constant(id)->data<float>();
  return {values.begin(), values.end()};
}

void Replace(Graph& graph, ValueId& input, const Shape& shape, const std::vector<float>& values) {
  input =
      graph.AddConstant(graph.value(input).name + "_planted", Tensor::From<float>(shape, values));
}

void SwapChannels(Graph& graph) {
  Node& conv = First(graph, "Conv");
  const Shape shape = graph.constant(conv.inputs[1])->shape();
  std::vector<float> values = ValuesOf(graph, conv.inputs[1]);
  const auto plane = static_cast<std::size_t>(shape[2] * shape[3]);
  for (std::size_t f = 0; f < values.size(); f += 3 * plane) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(f);
    std::swap_ranges(at, at + static_cast<std::ptrdiff_t>(plane),
                     at + static_cast<std::ptrdiff_t>(2 * plane));
  }
  Replace(graph, conv.inputs[1], shape, values);
}

void WrongScale(Graph& graph) {
  Node& mul = First(graph, "Mul");
  ValueId& constant = mul.inputs[graph.constant(mul.inputs[1]) != nullptr ? 1 : 0];
  Replace(graph, constant, graph.constant(constant)->shape(), {1 / 255.0f});
}

// What comes out of the graph's own normalisation, and the node that makes it.
void NormaliseTwice(Graph& graph) {
  const auto mul =
      std::ranges::find_if(graph.nodes, [](const Node& n) { return n.op_type == "Mul"; });
  const ValueId normal = mul->outputs[0];
  const ValueId moved = graph.AddValue("again_moved");
  const ValueId scaled = graph.AddValue("again_scaled");
  for (Node& node : graph.nodes) {
    for (ValueId& input : node.inputs) {
      if (input == normal) input = scaled;
    }
  }
  const ValueId mean =
      graph.AddConstant("again_mean", Tensor::From<float>(Shape{1}, std::vector<float>{127.5f}));
  const ValueId scale = graph.AddConstant(
      "again_scale", Tensor::From<float>(Shape{1}, std::vector<float>{0.0078125f}));
  Node sub;
  sub.name = "again_sub";
  sub.op_type = "Sub";
  sub.inputs = {normal, mean};
  sub.outputs = {moved};
  Node times;
  times.name = "again_mul";
  times.op_type = "Mul";
  times.inputs = {moved, scale};
  times.outputs = {scaled};
  const auto behind = static_cast<std::ptrdiff_t>(mul - graph.nodes.begin()) + 1;
  graph.nodes.insert(graph.nodes.begin() + behind, {sub, times});
}

void DropNormalisation(Graph& graph) {
  Node& conv = First(graph, "Conv");
  conv.inputs[0] = graph.inputs[0];
  std::erase_if(graph.nodes, [](const Node& n) {
    return n.op_type == "Sub" || n.op_type == "Mul" || n.op_type == "Identity";
  });
}

void WrongEpsilon(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (node.op_type == "BatchNormalization") node.attributes["epsilon"] = 1e-5f;
  }
}

// As a converter that takes the stored scale of a layer with fix_gamma.
void WrongGamma(Graph& graph) {
  Node& norm = *std::ranges::find_if(graph.nodes.rbegin(), graph.nodes.rend(), [](const Node& n) {
    return n.op_type == "BatchNormalization";
  });
  const std::int64_t count = graph.constant(norm.inputs[1])->elements();
  std::vector<float> values;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(0.5f + 0.01f * static_cast<float>(i * 37 % 100));
  Replace(graph, norm.inputs[1], Shape{count}, values);
}

void FlatSlopes(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (node.op_type != "PRelu") continue;
    const std::vector<float> values = ValuesOf(graph, node.inputs[1]);
    Replace(graph, node.inputs[1], Shape{static_cast<std::int64_t>(values.size())}, values);
  }
}

void SpatialZero(Graph& graph) {
  graph.opset = 8;
  for (Node& node : graph.nodes) {
    if (node.op_type == "BatchNormalization") node.attributes["spatial"] = std::int64_t{0};
  }
}

void TransposeKernels(Graph& graph) {
  for (Node& node : graph.nodes) {
    if (node.op_type != "Conv") continue;
    const Shape shape = graph.constant(node.inputs[1])->shape();
    const auto side = static_cast<std::size_t>(shape[2]);
    if (side == 1) continue;
    std::vector<float> values = ValuesOf(graph, node.inputs[1]);
    for (std::size_t base = 0; base < values.size(); base += side * side) {
      for (std::size_t y = 0; y < side; ++y) {
        for (std::size_t x = y + 1; x < side; ++x) {
          std::swap(values[base + y * side + x], values[base + x * side + y]);
        }
      }
    }
    Replace(graph, node.inputs[1], shape, values);
  }
}

// Moves faces 8 pixels to the right inside the graph, so that it wants them in the 96x112 template
// that has not been moved.
void WrongTemplate(Graph& graph) {
  const auto conv =
      std::ranges::find_if(graph.nodes, [](const Node& n) { return n.op_type == "Conv"; });
  std::vector<float> kernel(3 * 17, 0.0f);
  for (std::size_t c = 0; c < 3; ++c) kernel[c * 17] = 1;
  const ValueId moved = graph.AddValue("moved");
  Node shift;
  shift.name = "shift";
  shift.op_type = "Conv";
  shift.inputs = {conv->inputs[0],
                  graph.AddConstant("shift_w", Tensor::From<float>(Shape{3, 1, 1, 17}, kernel))};
  shift.outputs = {moved};
  shift.attributes["group"] = std::int64_t{3};
  shift.attributes["kernel_shape"] = std::vector<std::int64_t>{1, 17};
  shift.attributes["pads"] = std::vector<std::int64_t>{0, 8, 0, 8};
  conv->inputs[0] = moved;
  graph.nodes.insert(conv, shift);
}

// People whose faces are looked at: enough for channel order and scale, enough for templates, and
// as many as the nightly run has.
constexpr int kFewPeople = 5;
constexpr int kPeople = 12;
constexpr int kManyPeople = 100;

struct Fault {
  const char* name;
  void (*plant)(Graph&);
  bool by_weights;  // the published weights alone tell
  int people;       // needed where weights are not looked up; 0: the file alone tells
};
constexpr Fault kFaults[] = {
    {"swapped_channels", SwapChannels, true, kFewPeople},
    {"wrong_scale", WrongScale, true, kFewPeople},
    {"double_normalisation", NormaliseTwice, true, kFewPeople},
    {"missing_normalisation", DropNormalisation, true, kFewPeople},
    {"eps", WrongEpsilon, true, 0},
    {"gamma", WrongGamma, true, kFewPeople},
    {"slope_shape", FlatSlopes, true, 0},
    {"spatial", SpatialZero, true, 0},
    {"transposed_kernels", TransposeKernels, true, kFewPeople},
    // No weight is changed. Nothing fits this network, so that the doctor tries everything:
    // nightly.
    {"wrong_template", WrongTemplate, false, kManyPeople},
};

class DoctorTest : public ScratchTest {
 protected:
  static const ReferenceFaces& Faces(int people = kPeople) {
    static std::map<int, ReferenceFaces> loaded;
    if (RunFull()) people = kManyPeople;
    if (const auto at = loaded.find(people); at != loaded.end()) return at->second;
    Result<ReferenceFaces> faces = LoadReferenceFaces(SharedPath("data/lfw/aligned"), people);
    EXPECT_TRUE(faces) << faces.error().message;
    return loaded.emplace(people, std::move(faces).value()).first->second;
  }

  std::string Write(Graph graph, const std::string& name) const {
    std::string path = dir_ + "/" + name + ".onnx";
    const Status status = Model::FromGraph(std::move(graph)).SaveOnnx(path);
    EXPECT_TRUE(status) << status.error().message;
    return path;
  }

  static DoctorReport Examine(const std::string& path, bool faces, bool known_weights) {
    return Examine(path, faces ? &Faces() : nullptr, known_weights);
  }
  static DoctorReport Examine(const std::string& path, const ReferenceFaces* faces,
                              bool known_weights) {
    DoctorOptions options;
    options.faces = faces;
    options.known_weights = known_weights;
    options.measure_speed = false;
    Result<DoctorReport> report = ExamineModel(path, options);
    EXPECT_TRUE(report) << report.error().message;
    return report ? std::move(report).value() : DoctorReport{};
  }

  static std::string Names(const DoctorReport& report) {
    std::string names;
    for (const Finding& finding : report.findings) {
      names += fmt::format("{} {} ({}: {})\n", Name(finding.severity), finding.name,
                           Name(finding.certainty), finding.evidence);
    }
    return names;
  }
  static const Finding* Find(const DoctorReport& report, std::string_view name) {
    const auto at =
        std::ranges::find_if(report.findings, [&](const Finding& f) { return f.name == name; });
    return at == report.findings.end() ? nullptr : &*at;
  }
};

TEST_F(DoctorTest, AHealthyNetworkIsHealthy) {
  VISAVIS_REQUIRE_SHARED("data/lfw/aligned");
  const std::string path = Write(Healthy(), "healthy");
  const DoctorReport by_weights = Examine(path, false, true);
  EXPECT_EQ(by_weights.verdict(), Verdict::kHealthy) << Names(by_weights);
  EXPECT_EQ(by_weights.known_as, "mobilefacenet-arcface");
  EXPECT_EQ(by_weights.channel_order.certainty, Certainty::kCertain);
  {
    const DoctorReport report = Examine(path, true, false);
    EXPECT_EQ(report.verdict(), Verdict::kHealthy) << Names(report);
    EXPECT_EQ(report.known_as, "");
    EXPECT_EQ(report.channel_order.value, "RGB");
    EXPECT_LE(report.channel_order.certainty, Certainty::kMeasured) << report.channel_order.reason;
    EXPECT_EQ(report.face_template.value, "arcface-112");
    EXPECT_LE(report.face_template.certainty, Certainty::kMeasured) << report.face_template.reason;
    EXPECT_EQ(report.dimension, 128);
    ASSERT_TRUE(report.best);
    EXPECT_NEAR(report.best->norms.mean, 11.2, 0.5);
    EXPECT_GT(report.best->separation.d_prime, 5);
    EXPECT_GT(report.mirror_similarity, 0.95);
    for (const char* name : {"eps", "gamma", "wrong_scale", "wrong_template"}) {
      EXPECT_EQ(Find(report, name), nullptr) << Names(report);
    }
  }
  EXPECT_FALSE(Examine(path, false, false).undecided.empty());
}

TEST_F(DoctorTest, PlantedFaultsAreNamedByPublishedWeights) {
  VISAVIS_REQUIRE_SHARED("models/mobilefacenet-arcface");
  for (const Fault& fault : kFaults) {
    if (!fault.by_weights) continue;
    Graph graph = Healthy();
    fault.plant(graph);
    const DoctorReport report = Examine(Write(std::move(graph), fault.name), false, true);
    const Finding* finding = Find(report, fault.name);
    ASSERT_NE(finding, nullptr) << fault.name << "\n" << Names(report);
    EXPECT_EQ(finding->severity, Finding::Severity::kFault) << fault.name;
    EXPECT_EQ(finding->certainty, Certainty::kCertain) << fault.name;
    EXPECT_EQ(report.verdict(), Verdict::kFaulty);
    EXPECT_EQ(report.known_as, "mobilefacenet-arcface") << fault.name;
    // And nothing else is said to be wrong.
    for (const Finding& other : report.findings) {
      EXPECT_TRUE(other.name == fault.name || other.severity == Finding::Severity::kNote)
          << fault.name << "\n"
          << Names(report);
    }
  }
}

TEST_F(DoctorTest, PlantedFaultsAreNamedByFacesAlone) {
  VISAVIS_REQUIRE_SHARED("data/lfw/aligned");
  for (const Fault& fault : kFaults) {
    if (fault.people == kManyPeople && !RunFull()) continue;
    const ReferenceFaces* faces = fault.people > 0 ? &Faces(fault.people) : nullptr;
    Graph graph = Healthy();
    fault.plant(graph);
    const DoctorReport report = Examine(Write(std::move(graph), fault.name), faces, false);
    EXPECT_EQ(report.known_as, "");
    const Finding* finding = Find(report, fault.name);
    ASSERT_NE(finding, nullptr) << fault.name << "\n" << Names(report);
    std::printf("%s: %s: %s\n", fault.name, std::string(Name(finding->certainty)).c_str(),
                finding->evidence.c_str());
    // Faces cannot tell epsilon: that is known of the architecture only.
    const bool epsilon = std::string_view(fault.name) == "eps";
    EXPECT_LE(finding->certainty, epsilon            ? Certainty::kWeak
                                  : faces != nullptr ? Certainty::kMeasured
                                                     : Certainty::kCertain)
        << fault.name;
  }
}

TEST_F(DoctorTest, ContractsAreHeldAgainstTheEvidence) {
  VISAVIS_REQUIRE_SHARED("data/lfw/aligned");
  const std::string path = Write(Healthy(), "packed");
  PackOptions options;
  options.written_by = "test";
  const Result<ModelContract> packed = PackContract(Examine(path, false, true), options);
  ASSERT_TRUE(packed) << packed.error().message;
  EXPECT_EQ(packed->provenance.model, "mobilefacenet-arcface");
  EXPECT_TRUE(packed->licence.non_commercial);
  EXPECT_TRUE(packed->input.normalised_inside);
  EXPECT_EQ(packed->input.mean[0], 127.5);
  ASSERT_TRUE(packed->threshold);
  EXPECT_EQ(packed->threshold->similarity, 0.28);
  ASSERT_EQ(packed->golden.size(), 1u);
  ASSERT_TRUE(WriteContract(*packed, ContractPathFor(path)));
  DoctorReport report = Examine(path, false, false);
  EXPECT_EQ(report.verdict(), Verdict::kHealthy) << Names(report);
  ASSERT_EQ(report.golden.size(), 1u);
  EXPECT_TRUE(report.golden[0].passed()) << report.golden[0].error;

  // Told otherwise, by weights and by faces.
  const auto with = [&](const std::function<void(ModelContract&)>& change, bool faces, bool known) {
    ModelContract contract = *packed;
    change(contract);
    EXPECT_TRUE(WriteContract(contract, ContractPathFor(path)));
    return Examine(path, faces, known);
  };
  const auto frontal = [](ModelContract& c) { c.face_template = "frontal-112"; };
  const auto narrow_bgr = [](ModelContract& c) {
    c.face_template = "arcface-96x112";
    c.input.channel_order = ChannelOrder::kBgr;
  };
  const auto outside = [](ModelContract& c) { c.input.normalised_inside = false; };
  EXPECT_NE(Find(with(frontal, false, true), "wrong_template"), nullptr);
  report = with(narrow_bgr, true, false);
  ASSERT_NE(Find(report, "wrong_template"), nullptr) << Names(report);
  EXPECT_EQ(Find(report, "wrong_template")->severity, Finding::Severity::kFault);
  ASSERT_NE(Find(report, "swapped_channels"), nullptr) << Names(report);
  EXPECT_EQ(report.verdict(), Verdict::kFaulty);
  if (RunFull()) {
    EXPECT_NE(Find(with(frontal, true, false), "wrong_template"), nullptr);
  }
  report = with(narrow_bgr, false, false);
  EXPECT_NE(Find(report, "golden_mismatch"), nullptr) << Names(report);
  EXPECT_NE(Find(with(outside, false, false), "double_normalisation"), nullptr);

  // Another file under the same name.
  Graph changed = Healthy();
  WrongGamma(changed);
  Write(std::move(changed), "packed");
  EXPECT_NE(Find(Examine(path, false, false), "contract_mismatch"), nullptr);
  const Result<LoadedEmbedder> refused = LoadEmbedder(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCorruptData);
  EXPECT_NE(refused.error().message.find(packed->model_sha256), std::string::npos)
      << refused.error().message;
}

TEST_F(DoctorTest, LoadedNetworksObeyTheirContracts) {
  VISAVIS_REQUIRE_SHARED("data/lfw/aligned");
  const Result<Embedder> original = Embedder::Create(LoadMobileFaceNet());
  ASSERT_TRUE(original);
  const Image& crop = Faces().crops[0];
  const Embedding wanted = *original->Embed(crop);

  // BGR and normalisation outside: the contract undoes what was done to the graph.
  Graph graph = Healthy();
  SwapChannels(graph);
  DropNormalisation(graph);
  const std::string path = Write(std::move(graph), "odd");
  const Result<LoadedEmbedder> bare = LoadEmbedder(path);
  ASSERT_TRUE(bare) << bare.error().message;
  EXPECT_NE(bare->assumed.find("RGB, (pixel - 127.5)"), std::string::npos) << bare->assumed;
  EXPECT_LT(*Similarity(*bare->embedder.Embed(crop), wanted), 0.99);

  const DoctorReport report = Examine(path, false, false);
  PackOptions options;
  options.written_by = "test";
  options.channel_order = ChannelOrder::kBgr;
  options.mean = 127.5;
  options.scale = 0.0078125;
  options.threshold = 0.3;
  options.threshold_origin = "told by the test";
  Result<ModelContract> contract = PackContract(report, options);
  ASSERT_TRUE(contract) << contract.error().message;
  contract->probability = ProbabilityMap{ProbabilityModel::kLogistic, 0.5, 20, -6, {}};
  ASSERT_TRUE(WriteContract(*contract, ContractPathFor(path)));

  const Result<LoadedEmbedder> obedient = LoadEmbedder(path);
  ASSERT_TRUE(obedient) << obedient.error().message;
  EXPECT_TRUE(obedient->assumed.empty());
  EXPECT_GE(*Similarity(*obedient->embedder.Embed(crop), wanted), 0.999999);
  EXPECT_EQ(obedient->threshold.similarity, 0.3);
  EXPECT_EQ(obedient->threshold.origin, "told by the test");
  ASSERT_TRUE(obedient->probability);
  EXPECT_NEAR(obedient->probability->At(0.3), 0.5, 1e-9);
}

TEST_F(DoctorTest, PublishedWeightsAreRecognised) {
  VISAVIS_REQUIRE_SHARED("models/mobilefacenet-arcface");
  const std::optional<WeightMatch> match = FindKnownNetwork(Healthy());
  ASSERT_TRUE(match);
  EXPECT_EQ(match->network->name, "mobilefacenet-arcface");
  EXPECT_EQ(match->equal, match->tensors);
  EXPECT_TRUE(match->differences.empty());
  // The file in the repository is what the program prints.
  const Result<std::string> text = KnownNetworkText(Healthy(), "mobilefacenet-arcface");
  ASSERT_TRUE(text);
  const Result<KnownNetwork> parsed = ParseKnownNetwork(*text, "test");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->layers.size(), match->network->layers.size());
}

TEST_F(DoctorTest, DetectorsGetAShortReport) {
  VISAVIS_REQUIRE_SHARED("models/yunet/yunet_n_dynamic.onnx");
  const DoctorReport report = Examine(SharedPath("models/yunet/yunet_n_dynamic.onnx"), false, true);
  EXPECT_FALSE(report.recognition);
  EXPECT_EQ(report.known_as, "yunet-n");
  EXPECT_EQ(report.verdict(), Verdict::kHealthy) << Names(report);
}

}  // namespace
}  // namespace visavis
