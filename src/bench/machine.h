// What this machine can do: the rates that measured times are compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "visavis/result.h"

namespace visavis {

struct KernelTable;

/// Operations per second of register-only multiply-add loops (a multiply-add counts 2); 0 where the
/// instruction set has no such instruction.
struct PeakRates {
  double fp32 = 0;
  double bf16 = 0;
  double int8 = 0;
};

/// Bytes per second of reading a working set of the given size again and again.
struct ReadRate {
  std::size_t working_set_bytes = 0;
  double bytes_per_s = 0;
};

struct MachineReport {
  std::string cpu;  ///< as the operating system names it
  int cores = 0;    ///< that this process may use
  std::string isa;  ///< of the kernels measured
  int threads = 1;  ///< measured at once; rates are their sum
  PeakRates peaks;
  std::vector<ReadRate> reads;  ///< from first-level cache size to memory
};

/// The processor's name, or "unknown".
std::string CpuName();

/// The best of several short runs on the calling thread; about a tenth of a second.
PeakRates MeasurePeaks(const KernelTable& kernels);

/// Peaks and read rates with `threads` threads at work at once.
/// Errors:  kInvalidArgument for an instruction set this machine does not have, or threads < 1.
Result<MachineReport> MeasureMachine(std::string_view isa, int threads);

}  // namespace visavis
