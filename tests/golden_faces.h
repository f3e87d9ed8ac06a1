// What the golden tests of detection, embedding and accuracy share: models, photos, expectations.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shared_data.h"
#include "visavis/decode.h"
#include "visavis/detect.h"
#include "visavis/model.h"

namespace visavis {

inline Model LoadSharedModel(const std::string& relative) {
  Result<Model> model = Model::Load(SharedPath(relative));
  EXPECT_TRUE(model) << model.error().message;
  return std::move(model).value();
}

inline std::unique_ptr<Detector> LoadMtcnn(const MtcnnOptions& options = {}) {
  const Model det1 = LoadSharedModel("models/mtcnn/det1-0001.params");
  const Model det2 = LoadSharedModel("models/mtcnn/det2-0001.params");
  const Model det3 = LoadSharedModel("models/mtcnn/det3-0001.params");
  const Model det4 = LoadSharedModel("models/mtcnn/det4-0001.params");
  Result<std::unique_ptr<Detector>> detector = CreateMtcnn({&det1, &det2, &det3, &det4}, options);
  EXPECT_TRUE(detector) << detector.error().message;
  return std::move(detector).value();
}

/// A SCRFD or YuNet, e.g. "models/scrfd/scrfd_500m_bnkps.onnx".
inline std::unique_ptr<Detector> LoadSharedDetector(const std::string& relative,
                                                    const AnchorDetectorOptions& options = {}) {
  Result<std::unique_ptr<Detector>> detector =
      CreateAnchorDetector(LoadSharedModel(relative), options);
  EXPECT_TRUE(detector) << detector.error().message;
  return std::move(detector).value();
}

inline Model LoadMobileFaceNet() {
  return LoadSharedModel("models/mobilefacenet-arcface/model-0000.params");
}

inline Image ReadSharedImage(const std::string& relative) {
  Result<DecodedImage> decoded = ReadImage(SharedPath(relative));
  EXPECT_TRUE(decoded) << decoded.error().message;
  return std::move(decoded).value().image;
}

inline nlohmann::json ReadSharedJson(const std::string& relative) {
  std::ifstream file(SharedPath(relative));
  return nlohmann::json::parse(file);
}

inline std::vector<std::string> ReadSharedLines(const std::string& relative) {
  std::ifstream file(SharedPath(relative));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// Whether to run everything that is too slow for every commit: $VISAVIS_FULL is 1.
inline bool RunFull() {
  const char* full = std::getenv("VISAVIS_FULL");
  return full != nullptr && std::string(full) == "1";
}

}  // namespace visavis
