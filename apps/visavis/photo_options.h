// Options that several subcommands about photos share, and the parts they ask for.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "command_line.h"
#include "json_output.h"
#include "visavis/recognize.h"
#include "visavis/thread_pool.h"

namespace visavis::cli {

/// --min-size, --thresholds, --[no-]accurate-landmarks, --max-faces.
void AddDetectorOptions(CLI::App& command, MtcnnOptions& options);
/// --face largest-central|largest|best-score|all, default `choice`.
void AddFaceChoice(CLI::App& command, FaceChoice& choice);
/// --model NAME|FILE, default the default recognition model.
void AddModelOption(CLI::App& command, std::string& model);

/// Licence notes and a download's progress on standard error; stops when the user does.
FetchOptions FetchOptionsFor(const Common& common);

/// LoadDetector and LoadEmbedder with FetchOptionsFor; -v says which and how long it took. What had
/// to be assumed about a network is said on standard error.
Result<std::unique_ptr<Detector>> LoadDetectorFor(const Common& common,
                                                  const MtcnnOptions& options);
Result<LoadedEmbedder> LoadEmbedderFor(const Common& common, const std::string& model,
                                       const EmbedOptions& options);

/// Reads a photo and finds the wanted faces in it.
Result<std::vector<RecognizedFace>> FindFacesInPhoto(const std::string& path,
                                                     const Detector& detector, FaceChoice choice,
                                                     const CropPose& pose);

/// How --threads is spent: on several photos at once if there are several, else on the networks
/// that work on the one.
class PhotoThreads {
 public:
  PhotoThreads(const Common& common, std::size_t photos);
  int outer() const { return outer_; }               ///< photos at once
  ThreadPool* inner() const { return pool_.get(); }  ///< for detector and embedder; may be null

 private:
  int outer_;
  std::unique_ptr<ThreadPool> pool_;
};

/// Names for pictures made from photos: the photo's own without folder and extension, and a number
/// where photos of several folders have the same.
class PictureNames {
 public:
  /// E.g. ("a/b.jpg", "_0") -> "b_0.png", then "b_0-2.png".
  std::string Next(const std::string& photo, const std::string& suffix);

 private:
  std::set<std::string> used_;
};

/// How the photos of one command went. Prints what went wrong at once.
class Outcome {
 public:
  void Fail(const Error& error);
  /// No face where one was needed: an answer, but not the one that was asked for.
  void NoFace(const std::string& path);
  /// kExitOk; the error's own code if there was one input; kExitIncomplete otherwise.
  int ExitCode(std::size_t inputs) const;

 private:
  std::vector<ErrorCode> errors_;
  std::size_t without_face_ = 0;
};

/// The message about a photo without a face.
std::string NoFaceMessage(const std::string& path);

/// With as few digits as tell the float from its neighbours.
Json NumberAsJson(float value);
Json BoxAsJson(const Box& box);
/// Box, score and landmarks.
Json FaceAsJson(const Face& face);
Json ErrorAsJson(const Error& error);

}  // namespace visavis::cli
