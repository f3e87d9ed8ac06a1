// The fast program against the reference program: same numbers, layer kinds as expected.
#include "runtime/fast/compile_fast.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "model/arch/arch.h"
#include "model/graph/passes/fused_ops.h"
#include "model/graph/passes/passes.h"
#include "runtime/fold_constants.h"
#include "tests/shared_data.h"
#include "visavis/model.h"
#include "visavis/session.h"

namespace visavis {
namespace {

Tensor RandomPicture(const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  Tensor picture(DType::kF32, shape);
  for (float& v : picture.data<float>()) v = static_cast<float>(random() % 256);
  return picture;
}

std::vector<Tensor> RunModel(const Model& model, const Tensor& input,
                             const SessionOptions& options) {
  auto session = Session::Create(model, options);
  EXPECT_TRUE(session.has_value()) << session.error().message;
  if (!session.has_value()) return {};
  std::vector<Tensor> outputs(session->outputs().size());
  const std::vector<TensorView> views{TensorView(input)};
  const Status status = session->Run(views, outputs);
  EXPECT_TRUE(status.has_value()) << status.error().message;
  return outputs;
}

// |a - b| / |b| over all elements.
double RelativeDistance(const Tensor& a, const Tensor& b) {
  EXPECT_EQ(a.shape(), b.shape());
  if (a.shape() != b.shape()) return 1;
  double difference = 0;
  double norm = 0;
  for (std::size_t i = 0; i < a.data<float>().size(); ++i) {
    const double d = double{a.data<float>()[i]} - b.data<float>()[i];
    difference += d * d;
    norm += double{b.data<float>()[i]} * b.data<float>()[i];
  }
  return std::sqrt(difference / std::max(norm, 1e-30));
}

void ExpectFastEqualsReference(const Model& model, const Shape& shape, double tolerance,
                               SessionOptions options = {}) {
  const Tensor picture = RandomPicture(shape, 1);
  SessionOptions reference = options;
  reference.reference = true;
  const auto expected = RunModel(model, picture, reference);
  const auto actual = RunModel(model, picture, options);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    EXPECT_LE(RelativeDistance(actual[i], expected[i]), tolerance) << "output " << i;
  }
}

TEST(CompileFast, MobileFaceNet) {
  VISAVIS_REQUIRE_SHARED("models/mobilefacenet-arcface");
  const auto model = Model::Load(SharedPath("models/mobilefacenet-arcface/model-0000.params"));
  ASSERT_TRUE(model.has_value()) << model.error().message;
  ExpectFastEqualsReference(*model, Shape{2, 3, 112, 112}, 1e-5);
}

}  // namespace
}  // namespace visavis
