// Inferred shapes against those of a run.
#include <gtest/gtest.h>

#include "model/graph/shape_inference.h"
#include "model/test_graph.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis {
namespace {

using Extents = std::vector<std::int64_t>;

// Output 0 as inferred, which must be known; -1 where an extent is not.
Extents Inferred(const Graph& graph) {
  const auto shape = InferShapes(graph)[static_cast<std::size_t>(graph.outputs[0])].shape;
  EXPECT_TRUE(shape.has_value());
  Extents extents;
  if (!shape) return extents;
  for (const Dim& dim : *shape) extents.push_back(dim.extent);
  return extents;
}

Extents OfARun(const Graph& graph) {
  Extents extents;
  for (const Dim& dim : *graph.value(graph.inputs[0]).shape) extents.push_back(dim.extent);
  const Tensor x(DType::kF32, Shape(extents));
  const Result<Session> session = Session::Create(Model::FromGraph(graph), SessionOptions{});
  EXPECT_TRUE(session) << session.error().message;
  if (!session) return {};
  std::vector<Tensor> outputs(graph.outputs.size());
  const TensorView view = x;
  const Status ran = session->Run(std::span(&view, 1), outputs);
  EXPECT_TRUE(ran) << ran.error().message;
  const auto dims = outputs[0].shape().dims();
  return {dims.begin(), dims.end()};
}

TEST(ShapeRunTest, PadsOfSomeAxes) {
  struct Case {
    Extents x, pads, axes, want;
  };
  for (const Case& c : {Case{{2, 3, 4}, {1, 0, 2, 5}, {2, 0}, {7, 3, 7}},  // begins, then ends
                        Case{{2, 3, 4}, {1, -2}, {-1}, {2, 3, 3}}, Case{{2, 3}, {}, {}, {2, 3}},
                        Case{{2, 3}, {1, 0, 0, 2}, {0, 1}, {3, 5}}}) {
    GraphBuilder builder(18, c.x);
    builder.Add("Pad", {builder.Ints(c.pads), kNoValue, builder.Ints(c.axes)});
    EXPECT_EQ(Inferred(builder.graph), c.want);
    EXPECT_EQ(OfARun(builder.graph), c.want);
  }
}

TEST(ShapeRunTest, OperatorsThatMakeNewShapes) {
  using Add = void (*)(GraphBuilder&);
  for (const Add add : {Add([](GraphBuilder& b) {
                          b.Add("Pad", {b.Ints({0, 1, -1, 2, 0, 3})});
                        }),
                        Add([](GraphBuilder& b) {
                          b.Add("Expand", {b.Ints({5, 1, 1, 1})});
                        }),
                        Add([](GraphBuilder& b) {
                          b.Add("Reshape", {b.Ints({0, -1})});
                        }),
                        Add([](GraphBuilder& b) {
                          b.Add("Unsqueeze", {b.Ints({0, -1})});
                        }),
                        Add([](GraphBuilder& b) {
                          b.Add("Slice", {b.Ints({-1}), b.Ints({-9}), b.Ints({2}), b.Ints({-2})});
                        }),
                        Add([](GraphBuilder& b) {
                          b.Add("Split", {}, {{"axis", std::int64_t{2}}}, 2);
                        }),
                        Add([](GraphBuilder& b) {
                          b.Add("Gather", {b.Ints({1, 0, 1})});
                        }),
                        Add([](GraphBuilder& b) { b.Add("Flatten"); }),
                        Add([](GraphBuilder& b) { b.Add("Transpose"); })}) {
    GraphBuilder builder(13, {2, 3, 4});
    add(builder);
    SCOPED_TRACE(builder.graph.nodes[0].op_type);
    EXPECT_EQ(Inferred(builder.graph), OfARun(builder.graph));
  }
}

}  // namespace
}  // namespace visavis
