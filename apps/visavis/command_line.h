// The frame of every subcommand: options that all have, errors, exit codes, signals.
#pragma once

#include <CLI/CLI.hpp>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/text.h"
#include "visavis/result.h"

namespace visavis::cli {

/// What every subcommand offers.
struct Common {
  bool json = false;
  int threads = 0;      ///< as given; 0 = one per available core
  int verbosity = 0;    ///< number of -v
  std::string command;  ///< the whole command line, quoted for a shell
  /// Set by SIGINT and SIGTERM. Long work looks at it and ends with kCancelled.
  const std::atomic<bool>* cancel = nullptr;

  int ThreadCount() const;  ///< threads with 0 resolved
  bool Cancelled() const { return cancel->load(std::memory_order_relaxed); }
};

/// Does the work after parsing. An Error is printed as one line and becomes the exit code of its
/// kind; a value is the exit code itself (base/exit_code.h).
using Run = std::function<Result<int>(const Common&)>;

struct CommandSpec {
  std::string name;
  std::string description;            ///< one line
  std::vector<std::string> examples;  ///< whole command lines, shown by --help
};

/// The program: `visavis COMMAND ...`, or `visavis GROUP COMMAND ...`.
class CommandLine {
 public:
  CommandLine();

  /// A subcommand with --json, --threads, -v and examples; the caller adds its own options.
  CLI::App* Add(const CommandSpec& spec, Run run);
  /// The same inside a group such as "model", which is made on first use.
  CLI::App* AddTo(const std::string& group, const CommandSpec& spec, Run run);

  const CLI::App& app() const { return app_; }

  /// Parses, runs and returns the exit code.
  int Main(int argc, const char* const* argv);

 private:
  CLI::App* AddCommand(CLI::App& parent, const CommandSpec& spec, Run run);
  Result<int> Execute() const;

  CLI::App app_;
  std::map<std::string, CLI::App*> groups_;
  Common common_;
  Run selected_;
};

/// Prints "visavis: message" on standard error: one line, whatever the message holds.
void PrintError(const std::string& message);
/// "visavis: message" on standard error if at least `level` -v were given.
void Log(const Common& common, int level, const std::string& message);

/// Logs how long it lived: "visavis: WHAT: 12.3 ms".
class LoggedStep {
 public:
  LoggedStep(const Common& common, std::string what, int level = 1);
  ~LoggedStep();
  LoggedStep(const LoggedStep&) = delete;
  LoggedStep& operator=(const LoggedStep&) = delete;

 private:
  const Common& common_;
  std::string what_;
  int level_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace visavis::cli
