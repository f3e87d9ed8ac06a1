// What the tests of the command line share: the program, a scratch folder, a model cache.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "tests/run_program.h"
#include "tests/scratch_folder.h"
#include "tests/shared_data.h"

namespace visavis {

class CliTest : public ScratchTest {
 protected:
  CliTest() {
    options_.environment = {{"XDG_CACHE_HOME", cache()}, {"VISAVIS_MIRROR", SharedPath("models")}};
  }
  // One cache for all tests of the program: conversions are made once.
  static const std::string& cache() {
    static const ScratchFolder folder;
    return folder.path();
  }
  // Fills the cache, so that no other run shows licence notes.
  static void SetUpTestSuite() {
    const std::string grey = cache() + "/grey.ppm";
    WriteText(grey, "P6\n64 64\n255\n" + std::string(64 * 64 * 3, '\x80'));
    ProgramOptions options;
    options.environment = {{"XDG_CACHE_HOME", cache()}, {"VISAVIS_MIRROR", SharedPath("models")}};
    (void)RunProgram({VISAVIS_PROGRAM, "compare", grey, grey}, options);
  }

  ProgramResult Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), VISAVIS_PROGRAM);
    return RunProgram(arguments, options_);
  }
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  std::set<std::string> Files(const std::string& folder = "") const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(Path(folder))) {
      names.insert(entry.path().filename().string());
    }
    return names;
  }

  // The contract of every failure: exit code, and one line on standard error that begins with
  // "visavis: " and names `what`.
  static void ExpectOneLineError(const ProgramResult& result, int exit_code,
                                 const std::string& what) {
    EXPECT_EQ(result.exit_code, exit_code) << "signal " << result.signal << "\n" << result.err;
    EXPECT_TRUE(result.err.starts_with("visavis: ")) << result.err;
    EXPECT_NE(result.err.find(what), std::string::npos) << "want " << what << " in\n" << result.err;
    EXPECT_EQ(result.err.find('\n'), result.err.size() - 1) << "one line:\n" << result.err;
  }

  ProgramOptions options_;
};

}  // namespace visavis
