#include "tests/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "base/check.h"

namespace visavis {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void BecomeProgram(std::vector<std::string> arguments, const ProgramOptions& options,
                                int out, int err) {
  if (!options.stdout_path.empty()) {
    out = ::open(options.stdout_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  }
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (options.max_file_bytes >= 0) {
    std::signal(SIGXFSZ, SIG_IGN);  // so that write() fails instead
    const rlimit limit{static_cast<rlim_t>(options.max_file_bytes),
                       static_cast<rlim_t>(options.max_file_bytes)};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  if (options.max_memory_bytes >= 0) {
    const rlimit limit{static_cast<rlim_t>(options.max_memory_bytes),
                       static_cast<rlim_t>(options.max_memory_bytes)};
    ::setrlimit(RLIMIT_AS, &limit);
  }
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

// Reads what is there; false at the end.
bool Drain(int fd, std::string& text) {
  char buffer[65536];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got > 0) text.append(buffer, static_cast<std::size_t>(got));
  return got > 0;
}

}  // namespace

ProgramResult RunProgram(const std::vector<std::string>& arguments, const ProgramOptions& options) {
  int out[2];
  int err[2];
  VISAVIS_CHECK(::pipe2(out, O_CLOEXEC) == 0 && ::pipe2(err, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  VISAVIS_CHECK(child >= 0);
  if (child == 0) BecomeProgram(arguments, options, out[1], err[1]);
  ::close(out[1]);
  ::close(err[1]);

  ProgramResult result;
  const auto start = Clock::now();
  bool interrupted = options.interrupt_after_ms < 0;
  if (options.kill_after_us >= 0) {
    ::usleep(static_cast<useconds_t>(options.kill_after_us));
    ::kill(child, SIGKILL);
  }
  pollfd streams[2] = {{out[0], POLLIN, 0}, {err[0], POLLIN, 0}};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    ::poll(streams, 2, 10);
    if (streams[0].revents != 0 && !Drain(out[0], result.out)) streams[0].fd = -1;
    if (streams[1].revents != 0 && !Drain(err[0], result.err)) streams[1].fd = -1;
    const auto elapsed = Clock::now() - start;
    if (!interrupted && elapsed > std::chrono::milliseconds(options.interrupt_after_ms)) {
      ::kill(child, SIGINT);
      interrupted = true;
    }
    if (!result.timed_out && elapsed > std::chrono::seconds(options.timeout_s)) {
      ::kill(child, SIGKILL);
      result.timed_out = true;
    }
  }
  ::close(out[0]);
  ::close(err[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  return result;
}

}  // namespace visavis
