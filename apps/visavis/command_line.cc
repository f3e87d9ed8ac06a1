#include "command_line.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "base/exit_code.h"
#include "base/text.h"
#include "kernels/kernels.h"
#include "visavis/thread_pool.h"

namespace visavis::cli {
namespace {

constexpr char kVersion[] = "visavis " VISAVIS_VERSION;

// Written by a signal handler, so it can only be global.
std::atomic<bool> g_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// The first signal asks; SA_RESETHAND makes the second one kill.
void InstallSignalHandlers() {
  struct sigaction action {};
  action.sa_handler = [](int) { g_interrupted.store(true); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

std::string ExamplesFooter(const std::vector<std::string>& examples) {
  if (examples.empty()) return {};
  std::string footer = "Examples:";
  for (const std::string& example : examples) footer += "\n  " + example;
  return footer;
}

// So that a shell reads the same words again.
std::string QuotedForShell(int argc, const char* const* argv) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,@%+";
  std::string line;
  for (int i = 0; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (i > 0) line += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string_view::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

// Output that never reached its reader is a failure, also when only the last flush found out.
int CheckStandardOutput(int exit_code) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return exit_code;
  PrintError("standard output: cannot write");
  return ExitCodeOf(ErrorCode::kIo);
}

}  // namespace

int Common::ThreadCount() const { return threads > 0 ? threads : ThreadPool(0).threads(); }

void PrintError(const std::string& message) {
  std::fprintf(stderr, "visavis: %s\n", OneLine(message).c_str());
}

void Log(const Common& common, int level, const std::string& message) {
  if (common.verbosity >= level) PrintError(message);
}

LoggedStep::LoggedStep(const Common& common, std::string what, int level)
    : common_(common),
      what_(std::move(what)),
      level_(level),
      start_(std::chrono::steady_clock::now()) {}

LoggedStep::~LoggedStep() {
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start_;
  Log(common_, level_, fmt::format("{}: {:.1f} ms", what_, spent.count()));
}

CommandLine::CommandLine() : app_("Face recognition on this machine.", "visavis") {
  common_.cancel = &g_interrupted;
  app_.set_version_flag("--version", kVersion);
  app_.require_subcommand(1);
  app_.footer(
      "`visavis COMMAND --help` has options and examples.\n"
      "Exit codes: 0 done, 1 part of it could not be done, 2 usage, 3 not found, 4 corrupt data,\n"
      "5 unsupported, 6 limit exceeded, 7 input or output failed, 8 bug, 130 interrupted.");
}

CLI::App* CommandLine::Add(const CommandSpec& spec, Run run) {
  return AddCommand(app_, spec, std::move(run));
}

CLI::App* CommandLine::AddTo(const std::string& group, const CommandSpec& spec, Run run) {
  CLI::App*& parent = groups_[group];
  if (parent == nullptr) {
    parent = app_.add_subcommand(group, fmt::format("Commands about a {}", group));
    parent->require_subcommand(1);
  }
  return AddCommand(*parent, spec, std::move(run));
}

CLI::App* CommandLine::AddCommand(CLI::App& parent, const CommandSpec& spec, Run run) {
  CLI::App* command = parent.add_subcommand(spec.name, spec.description);
  command->footer(ExamplesFooter(spec.examples));
  command->add_flag("--json", common_.json, "Print one JSON document instead of text");
  command->add_option("--threads", common_.threads, "Threads to use; 0 = one per available core")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->add_flag("-v,--verbose", common_.verbosity,
                    "Say what is being done, on standard error; twice for more");
  command->callback([this, run = std::move(run)] { selected_ = run; });
  return command;
}

Result<int> CommandLine::Execute() const {
  Log(common_, 1,
      fmt::format("{}, {} threads, best instruction set here {}", kVersion, common_.ThreadCount(),
                  BestIsa()));
  const LoggedStep whole(common_, "in all");
  return selected_(common_);
}

int CommandLine::Main(int argc, const char* const* argv) {
  common_.command = QuotedForShell(argc, argv);
  try {
    app_.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help, --version
    return CheckStandardOutput(app_.exit(success));
  } catch (const CLI::ParseError& error) {
    // What is left over was meant to be a command when one is missing.
    const std::vector<std::string> left = app_.remaining(/*recurse=*/true);
    const bool unknown = !left.empty() && error.get_name() == "RequiredError";
    const std::string what = unknown ? left.front() + ": no such command" : error.what();
    PrintError(what + " (see visavis --help)");
    return ExitCodeOf(ErrorCode::kInvalidArgument);
  }
  InstallSignalHandlers();
  try {
    const Result<int> result = Execute();
    if (result) return CheckStandardOutput(*result);
    PrintError(result.error().message);
    return ExitCodeOf(result.error().code);
  } catch (const std::exception& error) {  // of a library: ours are values
    PrintError(fmt::format("unexpected failure: {}", error.what()));
    return ExitCodeOf(ErrorCode::kInternal);
  }
}

}  // namespace visavis::cli
