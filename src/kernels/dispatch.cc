// Which instruction sets this machine has, and their tables.
#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

#include <array>

#include "kernels/isa_tables.h"
#include "kernels/kernels.h"
#include "kernels/scalar.h"

namespace visavis {
namespace {

constexpr std::array<std::string_view, 7> kIsas = {
    "scalar", "avx2", "avx_vnni", "avx512", "avx512_vnni", "avx512_bf16", "amx"};

KernelTable ScalarTable() {
  KernelTable table{};  // what no set has stays null
  table.isa = "scalar";
  AddScalarConv(table);
  AddScalarTiles(table);
  AddScalarWinograd(table);
  AddScalarLayout(table);
  AddScalarPool(table);
  AddScalarQuant(table);
  return table;
}

#if defined(__x86_64__)

// AMX needs a processor with tiles of bf16 and int8, an operating system that saves them (XCR0),
// and on Linux its leave to use them, which is given to the process as a whole.
bool CanUseTiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kBf16 = 1u << 22, kTiles = 1u << 24, kInt8 = 1u << 25;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  if ((d & kBf16) == 0 || (d & kTiles) == 0 || (d & kInt8) == 0) return false;
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM of asm/prctl.h
  constexpr int kTileData = 18;               // its number as a component of the saved state
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

// Not every compiler's __builtin_cpu_supports knows the name. The registers are those of AVX2.
bool HasAvxVnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1u << 4)) != 0;
}

// __builtin_cpu_supports also asks the operating system (XGETBV) whether it saves the registers.
bool CpuHas(std::string_view isa) {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (isa == "scalar") return true;
  if (isa == "avx2") return avx2;
  if (isa == "avx_vnni") return avx2 && HasAvxVnni();
  if (isa == "avx512") return avx512;
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  if (isa == "avx512_vnni") return vnni;
  const bool bf16 = vnni && __builtin_cpu_supports("avx512bf16");
  return isa == "amx" ? bf16 && CanUseTiles() : bf16;
}

KernelTable MakeTable(std::string_view isa) {
  KernelTable table = ScalarTable();
  if (isa == "scalar") return table;
  if (isa == "avx2" || isa == "avx_vnni") {
    table.isa = "avx2";
    AddAvx2(table);
    AddAvx2Quant(table);
    if (isa == "avx2") return table;
    table.isa = "avx_vnni";
    AddAvxVnni(table);
    return table;
  }
  table.isa = "avx512";
  table.vector_registers = 32;
  AddAvx512(table);
  AddAvx2Quant(table);
  if (isa == "avx512") return table;
  table.isa = "avx512_vnni";
  AddAvx512Vnni(table);
  if (isa == "avx512_vnni") return table;
  table.isa = "avx512_bf16";
  table.fast_bf16 = true;
  AddAvx512Bf16(table);
  if (isa == "avx512_bf16") return table;
  table.isa = "amx";
  table.fast_tiles = true;
  AddAmx(table);
  AddAmxQuant(table);
  return table;
}

#else

bool CpuHas(std::string_view isa) { return isa == "scalar"; }
KernelTable MakeTable(std::string_view) { return ScalarTable(); }

#endif

}  // namespace

std::span<const std::string_view> KnownIsas() { return kIsas; }

const KernelTable* FindKernels(std::string_view isa) {
  static const std::array<KernelTable, kIsas.size()> tables = [] {
    std::array<KernelTable, kIsas.size()> made{};
    for (std::size_t i = 0; i < kIsas.size(); ++i) {
      if (CpuHas(kIsas[i])) made[i] = MakeTable(kIsas[i]);
    }
    return made;
  }();
  for (std::size_t i = 0; i < kIsas.size(); ++i) {
    if (kIsas[i] == isa) return tables[i].isa != nullptr ? &tables[i] : nullptr;
  }
  return nullptr;
}

std::string_view BestIsa() {
  std::string_view best = kIsas.front();
  for (const std::string_view isa : kIsas) {
    if (FindKernels(isa) != nullptr) best = isa;
  }
  return best;
}

}  // namespace visavis
