// For tests: a model from one input to its outputs.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "visavis/session.h"

namespace visavis {

/// Nothing, and a failure, if it cannot be run.
inline std::vector<Tensor> RunModel(const Model& model, const Tensor& input,
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

/// The elements of its only output.
inline std::vector<float> RunToFloats(const Model& model, const Tensor& input,
                                      const SessionOptions& options) {
  const std::vector<Tensor> outputs = RunModel(model, input, options);
  EXPECT_EQ(outputs.size(), 1u);
  if (outputs.empty()) return {};
  const auto all = outputs[0].data<float>();
  return {all.begin(), all.end()};
}

}  // namespace visavis
