#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "model/onnx/onnx_export.h"
#include "model/onnx/onnx_import.h"
#include "quantize/equalize.h"
#include "quantize/faces.h"
#include "quantize/journal.h"
#include "quantize/measure.h"
#include "quantize/quantizer.h"
#include "quantize/ranges.h"
#include "quantize/tune.h"
#include "quantize/weights.h"
#include "visavis/model.h"

namespace visavis {
namespace {

// data -> Sub -> Mul -> Conv -> BN -> PRelu -> depthwise Conv -> PRelu -> Conv -> Add (with the
// first Conv's block) -> Flatten -> Gemm, with random weights: MobileFaceNet in small.
class SmallNetwork {
 public:
  SmallNetwork() {
    graph.opset = 13;
    last = graph.AddValue("data");
    graph.inputs = {last};
    graph.value(last).shape = std::vector<Dim>{{-1, "N"}, {3, ""}, {8, ""}, {8, ""}};
    Add("Sub", {Constant({}, 127.5f)});
    Add("Mul", {Constant({}, 0.0078125f)});
    Conv(16, 3, 3, 1);
    BatchNorm(16);
    Prelu(16);
    const ValueId shortcut = last;
    Conv(16, 1, 3, 16);
    Prelu(16);
    Conv(16, 16, 1, 1);
    Add("Add", {shortcut});
    Add("Flatten", {});
    Node& gemm = Add("Gemm", {Random({8, 16 * 8 * 8}, 0.05f), Random({8}, 0.1f)});
    gemm.attributes["transB"] = std::int64_t{1};
    gemm.name = "embedding";
    graph.outputs = {last};
  }

  ValueId Random(Shape shape, float scale, float shift = 0) {
    Tensor tensor(DType::kF32, std::move(shape));
    std::normal_distribution<float> normal(shift, scale);
    for (float& x : tensor.data<float>()) x = normal(random);
    return graph.AddConstant(fmt::format("c{}", graph.values.size()), std::move(tensor));
  }
  ValueId Constant(Shape shape, float value) {
    Tensor tensor(DType::kF32, std::move(shape));
    for (float& x : tensor.data<float>()) x = value;
    return graph.AddConstant(fmt::format("c{}", graph.values.size()), std::move(tensor));
  }
  Node& Add(const std::string& type, std::vector<ValueId> more) {
    Node node;
    node.name = fmt::format("{}{}", type, graph.nodes.size());
    node.op_type = type;
    node.inputs = {last};
    node.inputs.insert(node.inputs.end(), more.begin(), more.end());
    last = graph.AddValue(fmt::format("v{}", graph.values.size()));
    node.outputs = {last};
    graph.nodes.push_back(std::move(node));
    return graph.nodes.back();
  }
  void Conv(std::int64_t out, std::int64_t in, std::int64_t kernel, std::int64_t groups) {
    const float scale = 1.0f / std::sqrt(static_cast<float>(in * kernel * kernel));
    Node& node = Add("Conv", {Random({out, in, kernel, kernel}, scale)});
    node.attributes["group"] = groups;
    node.attributes["pads"] = std::vector<std::int64_t>(4, kernel / 2);
  }
  void BatchNorm(std::int64_t channels) {
    Add("BatchNormalization", {Random({channels}, 0.5f, 2), Random({channels}, 0.5f),
                               Random({channels}, 0.1f), Constant({channels}, 0.5f)});
  }
  void Prelu(std::int64_t channels) { Add("PRelu", {Random({channels, 1, 1}, 0.1f, 0.25f)}); }

  std::vector<Sample> Samples(std::size_t count) {
    std::vector<Sample> samples(count);
    for (Sample& sample : samples) {
      Tensor image(DType::kF32, Shape{1, 3, 8, 8});
      for (float& x : image.data<float>()) x = static_cast<float>(random() % 256);
      sample.push_back(std::move(image));
    }
    return samples;
  }

  Graph graph;
  ValueId last = kNoValue;
  std::mt19937 random{7};
};

std::map<std::string, int> Count(const Graph& graph) {
  std::map<std::string, int> counts;
  for (const Node& node : graph.nodes) ++counts[node.op_type];
  return counts;
}

Outputs OutputsOf(const Graph& graph, std::span<const Sample> samples) {
  Result<Outputs> outputs = RunSamples(Model::FromGraph(graph), samples, {}, "test");
  EXPECT_TRUE(outputs) << outputs.error().message;
  return outputs ? *std::move(outputs) : Outputs(samples.size());
}

// By way of a file, as anybody will read it.
Graph ThroughFile(const Graph& graph) {
  const Result<std::string> bytes = ExportOnnx(graph);
  EXPECT_TRUE(bytes) << bytes.error().message;
  Result<Graph> read = ImportOnnx(
      {reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size()}, "quantized", {});
  EXPECT_TRUE(read) << read.error().message;
  return *std::move(read);
}

TEST(QuantizeTest, EveryRecipeStaysNearTheFloatNetwork) {
  SmallNetwork network;
  const std::vector<Sample> samples = network.Samples(24);
  const Outputs wanted = OutputsOf(network.graph, samples);
  for (const bool qoperator : {false, true}) {
    Result<Quantizer> quantizer =
        Quantizer::Create(network.graph, {samples, PixelGrid{}}, qoperator, {});
    ASSERT_TRUE(quantizer) << quantizer.error().message;
    std::vector<Recipe> recipes(6);
    recipes[1].ranges = RangeMethod::kPercentile;
    recipes[2].ranges = RangeMethod::kEntropy;
    recipes[2].equalize = false;
    recipes[3].rounding = Rounding::kAdaptive;
    recipes[3].portable_scales = false;
    recipes[4].signed_activations = true;
    recipes[4].reduce_range = true;
    recipes[4].ranges = RangeMethod::kMinMax;
    recipes[5].float_residual = true;
    recipes[5].int32_bias = true;
    for (Recipe& recipe : recipes) {
      recipe.format = qoperator ? QuantFormat::kQOperator : QuantFormat::kQdq;
      SCOPED_TRACE(Describe(recipe));
      const Result<Graph> graph = quantizer->Quantize(recipe);
      ASSERT_TRUE(graph) << graph.error().message;
      const Agreement near = Compare(wanted, OutputsOf(ThroughFile(*graph), samples));
      EXPECT_GT(near.mean, recipe.reduce_range ? 0.97 : 0.99);
      EXPECT_LT(near.mean, 1.0);
    }
  }
}

TEST(QuantizeTest, BytesAreStoredBehindActivationAndAddition) {
  SmallNetwork network;
  const std::vector<Sample> samples = network.Samples(4);
  Result<Quantizer> quantizer = Quantizer::Create(network.graph, {samples, PixelGrid{}}, false, {});
  ASSERT_TRUE(quantizer) << quantizer.error().message;
  const Result<Graph> qdq = quantizer->Quantize({});
  ASSERT_TRUE(qdq) << qdq.error().message;
  auto counts = Count(*qdq);
  // Pixels, first and second block, the depthwise layer, the vector.
  EXPECT_EQ(counts["QuantizeLinear"], 4);
  EXPECT_EQ(counts["BatchNormalization"], 0);
  EXPECT_EQ(qdq->opset, 13);

  Result<Quantizer> other = Quantizer::Create(network.graph, {samples, PixelGrid{}}, true, {});
  ASSERT_TRUE(other) << other.error().message;
  const Result<Graph> operators =
      other->Quantize({.format = QuantFormat::kQOperator, .float_layers = {}});
  ASSERT_TRUE(operators) << operators.error().message;
  counts = Count(*operators);
  EXPECT_EQ(counts["QLinearConv"], 3);
  EXPECT_EQ(counts["QLinearAdd"], 1);
  EXPECT_EQ(counts["QGemm"], 1);
  EXPECT_EQ(counts["Conv"] + counts["Gemm"] + counts["Add"], 0);
}

// Every product and sum is exact, so that float loops in another order give the same bits.
TEST(QuantizeTest, PortableScalesGiveTheSameBitsInEveryOrderOfSums) {
  SmallNetwork network;
  const std::vector<Sample> samples = network.Samples(8);
  Result<Quantizer> quantizer = Quantizer::Create(network.graph, {samples, PixelGrid{}}, false, {});
  ASSERT_TRUE(quantizer) << quantizer.error().message;
  const Result<Graph> graph = quantizer->Quantize({});
  ASSERT_TRUE(graph) << graph.error().message;
  const Model model = Model::FromGraph(*graph);
  for (const char* isa : {"", "scalar"}) {
    for (const bool reference : {true, false}) {
      SessionOptions options;
      options.isa = isa;
      options.reference = reference;
      const Result<Session> session = Session::Create(model, options);
      ASSERT_TRUE(session) << session.error().message;
      const Outputs wanted = OutputsOf(*graph, samples);
      for (std::size_t i = 0; i < samples.size(); ++i) {
        const std::vector<TensorView> inputs(samples[i].begin(), samples[i].end());
        std::vector<Tensor> outputs(1);
        ASSERT_TRUE(session->Run(inputs, outputs));
        const auto got = outputs[0].data<float>();
        for (std::size_t k = 0; k < got.size(); ++k) ASSERT_EQ(got[k], wanted[i][0][k]);
      }
    }
  }
}

// A weight is one parameter whether it is a float, bytes behind DequantizeLinear or bytes of an
// operator.
TEST(QuantizeTest, ParametersAndWorkAreCountedAsInFloat) {
  SmallNetwork network;
  const std::vector<Sample> samples = network.Samples(4);
  const ModelInfo before = *Model::FromGraph(network.graph).Info();
  for (const bool operators : {false, true}) {
    Result<Quantizer> quantizer =
        Quantizer::Create(network.graph, {samples, PixelGrid{}}, operators, {});
    ASSERT_TRUE(quantizer) << quantizer.error().message;
    Recipe recipe;
    if (operators) recipe.format = QuantFormat::kQOperator;
    Result<Graph> quantized = quantizer->Quantize(recipe);
    ASSERT_TRUE(quantized) << quantized.error().message;
    const auto info = Model::FromGraph(*std::move(quantized)).Info();
    ASSERT_TRUE(info) << info.error().message;
    // Biases are added where the float network has none.
    EXPECT_GE(info->parameters, before.parameters);
    EXPECT_LE(info->parameters, before.parameters + 32);
    EXPECT_EQ(info->multiply_adds, before.multiply_adds);
  }
}

TEST(QuantizeTest, TheSameRecipeGivesTheSameFile) {
  SmallNetwork network;
  const std::vector<Sample> samples = network.Samples(6);
  std::vector<std::string> files;
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    QuantizeHooks hooks;
    hooks.pool = &pool;
    Result<Quantizer> quantizer =
        Quantizer::Create(network.graph, {samples, PixelGrid{}}, false, hooks);
    ASSERT_TRUE(quantizer) << quantizer.error().message;
    Recipe recipe;
    recipe.rounding = Rounding::kAdaptive;
    const Result<Graph> graph = quantizer->Quantize(recipe);
    ASSERT_TRUE(graph) << graph.error().message;
    files.push_back(*ExportOnnx(*graph));
  }
  EXPECT_EQ(files[0], files[1]);
}

TEST(QuantizeTest, EqualizationChangesNoResult) {
  SmallNetwork network;
  const std::vector<Sample> samples = network.Samples(3);
  Result<Graph> prepared = PrepareForQuantization(network.graph, false);
  ASSERT_TRUE(prepared) << prepared.error().message;
  const std::vector<EqualizedPair> pairs = FindEqualizedPairs(*prepared);
  ASSERT_EQ(pairs.size(), 1U);  // the depthwise layer and the one behind it
  const Outputs before = OutputsOf(*prepared, samples);
  std::vector<float> ranges(16);
  for (std::size_t c = 0; c < ranges.size(); ++c) ranges[c] = static_cast<float>(c);  // one dead
  Equalize(*prepared, pairs[0], ranges);
  EXPECT_GT(Compare(before, OutputsOf(*prepared, samples)).least, 0.999999);
}

TEST(QuantizeTest, ANarrowRangeIsChosenOverAnOutlier) {
  ValueHistogram histogram{-1, 99, std::vector<std::int64_t>(2048, 0)};
  for (std::size_t i = 0; i < 60; ++i) histogram.counts[i] = 1000;
  histogram.counts.back() = 1;
  Recipe recipe;
  recipe.portable_scales = false;
  recipe.ranges = RangeMethod::kMinMax;
  const float widest = ChooseScale(histogram, recipe).scale;
  EXPECT_NEAR(widest, 100.0 / 255, 1e-6);
  recipe.ranges = RangeMethod::kPercentile;
  EXPECT_LT(ChooseScale(histogram, recipe).scale, widest / 10);
  recipe.percentile = 100;
  EXPECT_FLOAT_EQ(ChooseScale(histogram, recipe).scale, widest);
  recipe.portable_scales = true;
  for (const RangeMethod method : {RangeMethod::kMinMax, RangeMethod::kMse}) {
    recipe.ranges = method;
    int exponent = 0;
    EXPECT_EQ(std::frexp(ChooseScale(histogram, recipe).scale, &exponent), 0.5f);
  }
}

TEST(QuantizeTest, AdaptiveRoundingLowersTheErrorOfTheSum) {
  // One output; inputs that always move together: errors can make up for each other.
  Layer layer;
  layer.out = 1;
  layer.per_group = 8;
  const std::vector<float> weights{1,          0.3f / 127, 0.3f / 127, 0.3f / 127,
                                   0.3f / 127, 0.3f / 127, 0.3f / 127, 0.3f / 127};
  const std::vector<Moments> moments{Moments(64, 1.0)};
  const auto error = [&](const QuantizedWeights& quantized) {
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] - quantized.Real(i, 8);
    return std::abs(sum);
  };
  EXPECT_LT(error(QuantizeAdaptively(weights, layer, {}, moments)),
            error(QuantizeToNearest(weights, 1, {})) / 2);
}

TEST(QuantizeTest, AChannelThatIgnoresItsInputKeepsABiasThatFits) {
  SmallNetwork network;
  Graph& graph = network.graph;
  const auto conv = std::ranges::find(graph.nodes, "Conv", &Node::op_type);
  ASSERT_NE(conv, graph.nodes.end());
  Tensor weights = graph.constant(conv->inputs[1])->Clone();
  for (float& w : weights.data<float>().first(27)) w *= 1e-9f;
  conv->inputs[1] = graph.AddConstant("faint", std::move(weights));
  const std::vector<Sample> samples = network.Samples(8);
  Result<Quantizer> quantizer = Quantizer::Create(graph, {samples, PixelGrid{}}, false, {});
  ASSERT_TRUE(quantizer) << quantizer.error().message;
  Recipe recipe;
  recipe.equalize = false;
  const Result<Graph> qdq = quantizer->Quantize(recipe);
  ASSERT_TRUE(qdq) << qdq.error().message;
  const auto scale_of = [&](ValueId id) {
    const auto node = std::ranges::find_if(
        qdq->nodes, [&](const Node& n) { return std::ranges::count(n.outputs, id) != 0; });
    return qdq->constant(node->inputs[1])->data<float>();
  };
  int biases = 0;
  for (const Node& node : qdq->nodes) {
    if (node.op_type != "Conv" || node.input(2) == kNoValue) continue;
    const auto bias = qdq->constant(node.inputs[2])->data<float>();
    const auto scales = scale_of(node.inputs[1]);
    for (std::size_t o = 0; o < bias.size(); ++o, ++biases) {
      EXPECT_LE(std::abs(bias[o]), 0x1.01p24 * scales[o] * scale_of(node.inputs[0])[0]) << o;
    }
  }
  EXPECT_GE(biases, 16);
}

TEST(QuantizeTest, TheGateSearchesAndFallsBackLayerByLayer) {
  SmallNetwork network;
  const std::vector<Sample> samples = network.Samples(8);
  Result<Quantizer> quantizer = Quantizer::Create(network.graph, {samples, PixelGrid{}}, false, {});
  ASSERT_TRUE(quantizer) << quantizer.error().message;
  TuneOptions options;
  options.gate.check_speed = false;
  options.gate.min_cosine = 0.9;
  Recipe first;
  first.last_float = true;  // adaptive rounding of its long rows takes most of the time
  const Model model = Model::FromGraph(network.graph);
  Result<TuneResult> result = Tune(model, *quantizer, first, samples, nullptr, options);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->best.passed);
  EXPECT_EQ(result->trials.size(), 1U);

  options.gate.min_cosine = 1;  // cannot be had
  result = Tune(model, *quantizer, first, samples, nullptr, options);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->best.passed);
  EXPECT_GT(result->trials.size(), 30U);
  EXPECT_FALSE(result->trials.back().recipe.float_layers.empty());
  EXPECT_GE(result->best.nearness.mean, result->trials.front().nearness.mean);

  std::atomic<bool> cancel = true;
  options.hooks.cancel = &cancel;
  result = Tune(model, *quantizer, first, samples, nullptr, options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

TEST(QuantizeTest, BadNetworksAreRefusedByName) {
  SmallNetwork network;
  const std::vector<Sample> samples = network.Samples(2);
  EXPECT_FALSE(Quantizer::Create(network.graph, {}, false, {}));

  Graph broken = network.graph;
  for (Node& node : broken.nodes) {
    if (node.op_type != "Gemm") continue;
    Tensor weights = broken.constant(node.inputs[1])->Clone();
    weights.data<float>()[5] = std::nanf("");
    node.inputs[1] = broken.AddConstant("bad_weight", std::move(weights));
  }
  const Result<Graph> nan = PrepareForQuantization(broken, false);
  ASSERT_FALSE(nan);
  EXPECT_EQ(nan.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(nan.error().message.find("bad_weight"), std::string::npos) << nan.error().message;

  Result<Quantizer> quantizer = Quantizer::Create(network.graph, {samples, PixelGrid{}}, false, {});
  ASSERT_TRUE(quantizer);
  const Result<Graph> once = quantizer->Quantize({});
  ASSERT_TRUE(once);
  const Result<Graph> twice = PrepareForQuantization(*once, false);
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("quantized already"), std::string::npos);

  SmallNetwork bare;
  bare.graph.nodes.resize(2);
  bare.graph.outputs = {bare.graph.nodes[1].outputs[0]};
  const Result<Graph> none = PrepareForQuantization(bare.graph, false);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kUnsupported);
}

TEST(QuantizeTest, BadCalibrationSetsAreRefused) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / "quantize_test_faces";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const Result<FaceSet> empty = ReadCalibrationFaces(folder.string(), {});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, ErrorCode::kInvalidArgument);
  const auto write_crop = [&](const std::string& name, int side) {
    std::ofstream file(folder / name, std::ios::binary);
    file << "P6\n"
         << side << " " << side << "\n255\n"
         << std::string(static_cast<std::size_t>(side) * static_cast<std::size_t>(side) * 3, 'x');
  };
  write_crop("a.ppm", 112);
  const Result<FaceSet> one = ReadCalibrationFaces(folder.string(), {});
  ASSERT_FALSE(one);
  EXPECT_NE(one.error().message.find("at least 2"), std::string::npos) << one.error().message;
  write_crop("b.ppm", 112);
  const Result<FaceSet> two = ReadCalibrationFaces(folder.string(), {});
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(two->crops.size(), 2U);
  write_crop("c.ppm", 60);  // no crop, and no detector to find a face in it
  EXPECT_FALSE(ReadCalibrationFaces(folder.string(), {}));
  std::filesystem::remove_all(folder);
}

TEST(QuantizeTest, TrialsAreKeptBetweenRuns) {
  const std::string path = testing::TempDir() + "/quantize_test.trials.jsonl";
  std::filesystem::remove(path);
  QuantizationSource source;
  source.model_sha256 = "abc";
  Trial trial;
  trial.recipe.ranges = RangeMethod::kEntropy;
  trial.accuracy = FaceAccuracy{.flip = 0.9,
                                .flip_deviation = 0.1,
                                .plain = 0.8,
                                .neural_compressor = 0.7,
                                .open_model_zoo = 0.6,
                                .tar = 0.5,
                                .val = 0.4};
  trial.pairs_nearness = Agreement{.mean = 0.99, .least = 0.9};
  {
    auto journal = JournalFile::Open(FileSystem::Real(), path, source, false);
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_FALSE((*journal)->Hooks().find(trial.recipe));
    ASSERT_TRUE((*journal)->Hooks().add(trial));
  }
  std::ofstream(path, std::ios::app) << "{\"key\": \"cut off";
  auto journal = JournalFile::Open(FileSystem::Real(), path, source, false);
  ASSERT_TRUE(journal) << journal.error().message;
  const std::optional<Trial> found = (*journal)->Hooks().find(trial.recipe);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->accuracy->tar, 0.5);
  EXPECT_FALSE((*journal)->Hooks().find(Recipe{}));
  source.model_sha256 = "of another network";
  auto other = JournalFile::Open(FileSystem::Real(), path, source, false);
  ASSERT_TRUE(other);
  EXPECT_EQ((*other)->known(), 0U);
  (*journal)->Remove();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(QuantizeTest, ASlowerOrWorseNetworkIsRefusedWithReasons) {
  TuneResult result;
  result.best.passed = true;
  result.best.nearness = {0.999, 0.99};
  EXPECT_TRUE(Judge(result, {}).accepted);

  result.slower = true;
  result.speeds = {.before_ms = 1, .after_ms = 2};
  Verdict verdict = Judge(result, {});
  EXPECT_FALSE(verdict.accepted);
  EXPECT_EQ(verdict.reasons,
            std::vector<std::string>{"2.00 ms an image on this machine, 1.00 ms in float"});

  result.slower = false;
  result.float_accuracy = FaceAccuracy{.flip = 0.995};
  result.best.accuracy = FaceAccuracy{.flip = 0.994};  // as much as may be lost
  EXPECT_TRUE(Judge(result, {}).accepted);
  result.best.accuracy->flip = 0.9938;
  verdict = Judge(result, {});
  ASSERT_EQ(verdict.reasons.size(), 1U);
  EXPECT_EQ(verdict.reasons[0].find("flip is 99.380 %, 99.500 % in float"), 0U)
      << verdict.reasons[0];
  EXPECT_EQ(Judge(result, {.min_cosine = 0.9999}).reasons.size(), 2U);
}

// A search that was stopped makes no trial twice: neither those on pairs nor those on samples.
TEST(QuantizeTest, AnInterruptedSearchGoesOnWhereItWas) {
  SmallNetwork network;
  const std::vector<Sample> samples = network.Samples(8);
  Result<Quantizer> quantizer = Quantizer::Create(network.graph, {samples, PixelGrid{}}, false, {});
  ASSERT_TRUE(quantizer) << quantizer.error().message;
  const std::string path = testing::TempDir() + "/quantize_test.resumed.jsonl";
  TuneOptions options;
  options.gate.check_speed = false;
  options.gate.min_cosine = 1;  // cannot be had
  const Model model = Model::FromGraph(network.graph);
  int added = 0;
  std::atomic<bool> cancel = false;
  const auto run = [&](bool fresh, int stop_after) {
    auto journal = JournalFile::Open(FileSystem::Real(), path, {}, fresh);
    options.journal = (*journal)->Hooks();
    options.journal.add = [&, add = options.journal.add](const Trial& trial) {
      cancel = ++added == stop_after;
      return add(trial);
    };
    options.hooks.cancel = &cancel;
    Recipe first;
    first.last_float = true;  // adaptive rounding of its long rows takes most of the time
    return Tune(model, *quantizer, first, samples, nullptr, options);
  };
  const Result<TuneResult> whole = run(true, -1);
  ASSERT_TRUE(whole) << whole.error().message;
  const int all = std::exchange(added, 0);

  const Result<TuneResult> stopped = run(true, all / 2);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(std::exchange(added, 0), all / 2);
  cancel = false;
  const Result<TuneResult> resumed = run(false, -1);
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(added, all - all / 2);
  ASSERT_EQ(resumed->trials.size(), whole->trials.size());
  for (std::size_t i = 0; i < whole->trials.size(); ++i) {
    EXPECT_EQ(resumed->trials[i].recipe, whole->trials[i].recipe) << i;
    EXPECT_EQ(resumed->trials[i].nearness.mean, whole->trials[i].nearness.mean) << i;
  }
  EXPECT_EQ(resumed->best.recipe, whole->best.recipe);
  std::filesystem::remove(path);
}

TEST(QuantizeTest, AHostileJournalIsNotBelieved) {
  const Trial trial;
  const std::string good = JournalLine("key", trial);
  ASSERT_TRUE(ParseJournalLine(good));
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string line = good;
    line.replace(line.find(from), from.size(), to);
    return ParseJournalLine(line);
  };
  EXPECT_FALSE(with(R"("mean":0.0)", R"("mean":2)"));
  EXPECT_FALSE(with(R"("mean":0.0)", R"("mean":"near")"));
  EXPECT_FALSE(with(R"("mean":0.0,)", ""));
  EXPECT_FALSE(with(R"("key":"key",)", ""));
  EXPECT_FALSE(with(R"("passed")", R"("accuracy":{"flip":1},"passed")"));
  EXPECT_FALSE(with(R"("recipe":{)", R"("recipe":[],"more":{)"));
  const auto deep = with(R"("float_layers":[])", R"("float_layers":)" + std::string(100'000, '['));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, ErrorCode::kLimitExceeded);
  EXPECT_FALSE(ParseJournalLine(std::string(2 << 20, ' ')));
}

TEST(QuantizeTest, MaxDropIsReadWithItsUnit) {
  Gate gate;
  ASSERT_TRUE(ParseMaxDrop("0.1pp", gate));
  EXPECT_DOUBLE_EQ(gate.max_drop, 0.001);
  EXPECT_FALSE(gate.relative);
  ASSERT_TRUE(ParseMaxDrop("1%", gate));
  EXPECT_TRUE(gate.relative);
  for (const char* bad : {"", "0.1", "x%", "-1pp", "101%", "1 pp"}) {
    EXPECT_FALSE(ParseMaxDrop(bad, gate)) << bad;
  }
}

}  // namespace
}  // namespace visavis
