#include "visavis/session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>
#include <numeric>
#include <thread>
#include <vector>

#include "model/graph/graph.h"

namespace {

// Counts this program's allocations while a test asks for it.
std::atomic<bool> g_counting{false};
std::atomic<int> g_allocations{0};

void* CountedAllocate(std::size_t size) {
  if (g_counting.load(std::memory_order_relaxed)) g_allocations.fetch_add(1);
  void* p = std::malloc(size == 0 ? 1 : size);
  if (p == nullptr) std::abort();
  return p;
}

}  // namespace

void* operator new(std::size_t size) { return CountedAllocate(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace visavis {
namespace {

std::vector<float> Ramp(std::int64_t count, float step) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = step * static_cast<float>(static_cast<int>(i % 17) - 8);
  }
  return values;
}

// A graph that grows node by node; every node has one output.
class TestGraph {
 public:
  TestGraph() { graph_.opset = 11; }

  ValueId Input(const std::string& name, std::vector<std::int64_t> extents,
                DType dtype = DType::kF32) {
    const ValueId id = graph_.AddValue(name, dtype);
    graph_.value(id).shape.emplace();
    for (const std::int64_t extent : extents) graph_.value(id).shape->push_back(Dim{extent, ""});
    graph_.inputs.push_back(id);
    return id;
  }
  ValueId Floats(Shape shape, float step) {
    const std::vector<float> values = Ramp(shape.elements(), step);
    return graph_.AddConstant("c" + std::to_string(graph_.values.size()),
                              Tensor::From<float>(std::move(shape), values));
  }
  ValueId Ints(std::vector<std::int64_t> values) {
    const Shape shape{static_cast<std::int64_t>(values.size())};
    return graph_.AddConstant("c" + std::to_string(graph_.values.size()),
                              Tensor::From<std::int64_t>(shape, values));
  }
  ValueId Op(const std::string& type, std::vector<ValueId> inputs,
             std::map<std::string, Attribute, std::less<>> attributes = {}) {
    const ValueId out = graph_.AddValue(type + std::to_string(graph_.values.size()));
    graph_.nodes.push_back(Node{"", type, "", std::move(inputs), {out}, std::move(attributes)});
    return out;
  }
  Result<Session> Make(std::vector<ValueId> outputs, SessionOptions options = {}) {
    graph_.outputs = std::move(outputs);
    return Session::Create(Model::FromGraph(graph_), options);
  }

 private:
  Graph graph_;
};

SessionOptions Reference() {
  SessionOptions options;
  options.reference = true;
  return options;
}

// Conv, PRelu, a residual Add, pooling, and a fully connected layer behind shape arithmetic.
Result<Session> SmallNetwork(const SessionOptions& options) {
  TestGraph g;
  const ValueId x = g.Input("data", {-1, 3, -1, -1});
  const ValueId w = g.Floats({8, 3, 3, 3}, 0.01f);
  const ValueId bias = g.Floats({8}, 0.1f);
  const ValueId c = g.Op("Conv", {x, w, bias}, {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
  const ValueId p = g.Op("PRelu", {c, g.Floats({8, 1, 1}, 0.05f)});
  const ValueId d =
      g.Op("Conv", {p, g.Floats({8, 1, 3, 3}, 0.02f)},
           {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}, {"group", std::int64_t{8}}});
  const ValueId sum = g.Op("Add", {d, p});
  const ValueId pooled = g.Op("GlobalAveragePool", {sum});
  const ValueId shape = g.Op("Shape", {x});
  const ValueId batch = g.Op("Gather", {shape, g.Ints({0})}, {{"axis", std::int64_t{0}}});
  const ValueId target = g.Op("Concat", {batch, g.Ints({-1})}, {{"axis", std::int64_t{0}}});
  const ValueId flat = g.Op("Reshape", {pooled, target});
  const ValueId fc = g.Op("Gemm", {flat, g.Floats({4, 8}, 0.1f), g.Floats({4}, 1.0f)},
                          {{"transB", std::int64_t{1}}});
  return g.Make({fc}, options);
}

Tensor Photo(std::int64_t batch, std::int64_t height, std::int64_t width) {
  const Shape shape{batch, 3, height, width};
  return Tensor::From<float>(shape, Ramp(shape.elements(), 0.3f));
}

std::vector<float> Floats(const Tensor& tensor) {
  return {tensor.data<float>().begin(), tensor.data<float>().end()};
}

TEST(Session, RunsAtAnySizeAndBatchAndKeepsTheBits) {
  const Result<Session> session = SmallNetwork(Reference());
  ASSERT_TRUE(session) << session.error().message;
  std::vector<Tensor> one(1);
  std::vector<Tensor> two(1);
  const Tensor photo = Photo(1, 9, 7);
  ASSERT_TRUE(session->Run(std::vector<TensorView>{photo}, one));
  EXPECT_EQ(one[0].shape(), (Shape{1, 4}));

  Tensor pair(DType::kF32, {2, 3, 9, 7});
  for (const std::size_t k : {0u, 1u}) {
    std::copy(photo.data<float>().begin(), photo.data<float>().end(),
              pair.data<float>().begin() + static_cast<std::ptrdiff_t>(k * photo.elements()));
  }
  ASSERT_TRUE(session->Run(std::vector<TensorView>{pair}, two));
  ASSERT_EQ(two[0].shape(), (Shape{2, 4}));
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(two[0].data<float>()[i], one[0].data<float>()[i % 4]);
  }
}

TEST(Session, FastAndReferenceAgree) {
  const Result<Session> fast = SmallNetwork({});
  const Result<Session> reference = SmallNetwork(Reference());
  ASSERT_TRUE(fast) << fast.error().message;
  ASSERT_TRUE(reference) << reference.error().message;
  const Tensor photo = Photo(2, 20, 33);
  std::vector<Tensor> a(1);
  std::vector<Tensor> b(1);
  ASSERT_TRUE(fast->Run(std::vector<TensorView>{photo}, a));
  ASSERT_TRUE(reference->Run(std::vector<TensorView>{photo}, b));
  for (std::size_t i = 0; i < 8; ++i) {
    // Sums of a few hundred terms of order 1, in another order.
    EXPECT_NEAR(a[0].data<float>()[i], b[0].data<float>()[i], 1e-5);
  }
}

TEST(Session, AllocatesNothingOnceAShapeIsKnown) {
  for (const bool reference : {true, false}) {
    SessionOptions options;
    options.reference = reference;
    const Result<Session> session = SmallNetwork(options);
    ASSERT_TRUE(session) << session.error().message;
    const Tensor small = Photo(1, 12, 12);
    const Tensor large = Photo(2, 31, 18);
    const std::vector<TensorView> small_in{small};
    const std::vector<TensorView> large_in{large};
    std::vector<Tensor> small_out(1);
    std::vector<Tensor> large_out(1);
    ASSERT_TRUE(session->Run(small_in, small_out));
    ASSERT_TRUE(session->Run(large_in, large_out));
    g_allocations = 0;
    g_counting = true;
    const Status first = session->Run(small_in, small_out);
    const Status second = session->Run(large_in, large_out);
    g_counting = false;
    EXPECT_TRUE(first && second);
    EXPECT_EQ(g_allocations.load(), 0) << "reference " << reference;
  }
}

TEST(Session, ConcurrentRunsOfManyShapesGiveTheSameBits) {
  ThreadPool pool(2);
  SessionOptions options;
  options.pool = &pool;
  const Result<Session> session = SmallNetwork(options);
  ASSERT_TRUE(session) << session.error().message;
  std::vector<Tensor> photos;
  std::vector<std::vector<float>> wanted;
  for (int i = 0; i < 12; ++i) {
    photos.push_back(Photo(1 + i % 2, 8 + i, 25 - i));
    std::vector<Tensor> out(1);
    ASSERT_TRUE(session->Run(std::vector<TensorView>{photos.back()}, out));
    wanted.push_back(Floats(out[0]));
  }
  std::atomic<int> differences{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Tensor> out(1);
      for (int round = 0; round < 40; ++round) {
        const auto i = static_cast<std::size_t>(round * 5 + t * 3) % photos.size();
        const Status status = session->Run(std::vector<TensorView>{photos[i]}, out);
        if (!status || Floats(out[0]) != wanted[i]) differences.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(differences.load(), 0);
}

TEST(Session, AValueThatDecidesAShapeBelongsToThePlan) {
  TestGraph g;
  const ValueId x = g.Input("x", {2, 3});
  const ValueId shape = g.Input("shape", {2}, DType::kI64);
  const Result<Session> session = g.Make({g.Op("Reshape", {x, shape})});
  ASSERT_TRUE(session) << session.error().message;
  const Tensor data = Tensor::From<float>({2, 3}, Ramp(6, 1));
  std::vector<Tensor> out(1);
  for (const std::vector<std::int64_t>& wanted :
       {std::vector<std::int64_t>{3, 2}, std::vector<std::int64_t>{1, 6}}) {
    const Tensor target = Tensor::From<std::int64_t>({2}, wanted);
    const Status status = session->Run(std::vector<TensorView>{data, target}, out);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(out[0].shape(), Shape(wanted));
    EXPECT_EQ(Floats(out[0]), Floats(data));
  }
}

TEST(Session, OutputsMayBeInputsConstantsAndEachOther) {
  TestGraph g;
  const ValueId x = g.Input("x", {-1, 4});
  const ValueId c = g.Floats({3}, 2);
  const ValueId relu = g.Op("Relu", {x});
  const ValueId flat = g.Op("Flatten", {relu}, {{"axis", std::int64_t{0}}});
  const ValueId doubled = g.Op("Add", {relu, relu});
  const Result<Session> session = g.Make({x, c, relu, flat, doubled, relu}, Reference());
  ASSERT_TRUE(session) << session.error().message;
  const Tensor data = Tensor::From<float>({2, 4}, Ramp(8, 1));
  std::vector<Tensor> out(6);
  ASSERT_TRUE(session->Run(std::vector<TensorView>{data}, out));
  EXPECT_EQ(Floats(out[0]), Floats(data));
  EXPECT_EQ(Floats(out[1]), Ramp(3, 2));
  for (std::size_t i = 0; i < 8; ++i) {
    const float want = std::max(0.0f, data.data<float>()[i]);
    EXPECT_EQ(out[2].data<float>()[i], want);
    EXPECT_EQ(out[3].data<float>()[i], want);
    EXPECT_EQ(out[4].data<float>()[i], 2 * want);
    EXPECT_EQ(out[5].data<float>()[i], want);
  }
  EXPECT_EQ(out[3].shape(), (Shape{1, 8}));
}

// x is read after the Add that could have overwritten it.
TEST(Session, OverwritesOnlyWhatNobodyReadsAgain) {
  TestGraph g;
  const ValueId x = g.Input("x", {1, 64});
  const ValueId a = g.Op("Neg", {x});
  const ValueId b = g.Op("Exp", {a});
  const ValueId c = g.Op("Add", {a, b});
  const ValueId view = g.Op("Reshape", {c, g.Ints({64, 1})});
  const ValueId d = g.Op("Mul", {c, b});
  const ValueId e = g.Op("MatMul", {d, view});
  const Result<Session> session = g.Make({e}, Reference());
  ASSERT_TRUE(session) << session.error().message;
  const Tensor data = Tensor::From<float>({1, 64}, Ramp(64, 0.1f));
  std::vector<Tensor> out(1);
  ASSERT_TRUE(session->Run(std::vector<TensorView>{data}, out));
  double want = 0;
  for (const float v : data.data<float>()) {
    const double sum = -v + std::exp(-v);
    want += sum * std::exp(-v) * sum;
  }
  EXPECT_NEAR(out[0].data<float>()[0], want, 1e-4 * want);
}

TEST(Session, RefusesWrongInputs) {
  const Result<Session> session = SmallNetwork(Reference());
  ASSERT_TRUE(session);
  std::vector<Tensor> out(1);
  const Tensor photo = Photo(1, 8, 8);
  const Tensor wrong_rank = Tensor::From<float>({3}, Ramp(3, 1));
  const Tensor wrong_type(DType::kU8, {1, 3, 8, 8});
  const Tensor wrong_channels(DType::kF32, {1, 4, 8, 8});
  const TensorView no_data(DType::kF32, {1, 3, 8, 8}, nullptr);
  const auto code = [&](const TensorView& input) {
    const Status status = session->Run(std::vector<TensorView>{input}, out);
    return status ? ErrorCode::kInternal : status.error().code;
  };
  EXPECT_EQ(code(wrong_rank), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(wrong_type), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(wrong_channels), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(no_data), ErrorCode::kInvalidArgument);
  EXPECT_FALSE(session->Run({}, out));
  EXPECT_FALSE(session->Run(std::vector<TensorView>{photo}, {}));
}

TEST(Session, RespectsTheLimitOfTheArena) {
  SessionOptions options = Reference();
  options.limits.arena_bytes = 1000;
  const Result<Session> session = SmallNetwork(options);
  ASSERT_TRUE(session);
  std::vector<Tensor> out(1);
  const Tensor photo = Photo(1, 32, 32);
  const Status status = session->Run(std::vector<TensorView>{photo}, out);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kLimitExceeded);
}

TEST(Session, NamesWhatItDoesNotKnow) {
  TestGraph g;
  const ValueId x = g.Input("x", {1});
  const Result<Session> session = g.Make({g.Op("NoSuchOperator", {x})});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(session.error().message.find("NoSuchOperator"), std::string::npos);
  EXPECT_NE(session.error().message.find("11"), std::string::npos);

  TestGraph h;
  const ValueId y = h.Input("y", {1});
  SessionOptions options;
  options.isa = "mmx";
  EXPECT_EQ(h.Make({h.Op("Relu", {y})}, options).error().code, ErrorCode::kInvalidArgument);
}

TEST(Session, SaysWhatItWantsInsteadOfWhatItDoesNotKnow) {
  TestGraph unknown;
  const Result<Session> none =
      unknown.Make({unknown.Op("NoSuchOperator", {unknown.Input("x", {1})})});
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("NoSuchOperator of operator set 11 is not supported, want "
                                      "one of those that docs/operators.md lists"),
            std::string::npos)
      << none.error().message;
  TestGraph removed;  // by operator set 10
  const Result<Session> old = removed.Make({removed.Op("Upsample", {removed.Input("x", {1})})});
  ASSERT_FALSE(old);
  EXPECT_NE(old.error().message.find("Upsample of operator set 11 is not supported, want it of "
                                     "operator set 7 to 9"),
            std::string::npos)
      << old.error().message;
}

TEST(Session, RunsTheInstructionSetItWasTold) {
  for (const char* isa : {"scalar", "avx2", "avx512"}) {
    SessionOptions options;
    options.isa = isa;
    const Result<Session> session = SmallNetwork(options);
    if (!session) continue;  // not on this machine
    EXPECT_EQ(session->isa(), isa);
  }
  SessionOptions options;
  options.isa = "scalar";
  EXPECT_TRUE(SmallNetwork(options));
}

}  // namespace
}  // namespace visavis
