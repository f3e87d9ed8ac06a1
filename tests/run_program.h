// Runs a program and tells how it ended.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace visavis {

struct ProgramResult {
  int exit_code = -1;  ///< -1 if it was killed by a signal or had to be
  int signal = 0;
  bool timed_out = false;
  std::string out;
  std::string err;
};

struct ProgramOptions {
  std::map<std::string, std::string> environment;  ///< added to this process's own
  std::string stdout_path;             ///< redirects standard output; then `out` is empty
  std::int64_t max_file_bytes = -1;    ///< files cannot grow beyond this, as on a full disk
  std::int64_t max_memory_bytes = -1;  ///< address space
  int timeout_s = 120;
  int interrupt_after_ms = -1;  ///< sends SIGINT after this time
  int kill_after_us = -1;       ///< sends SIGKILL after this time
};

/// Threads: safe concurrently.
ProgramResult RunProgram(const std::vector<std::string>& arguments,
                         const ProgramOptions& options = {});

}  // namespace visavis
