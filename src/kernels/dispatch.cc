// Which instruction sets this machine has, and their tables.
#include <array>

#include "kernels/isa_tables.h"
#include "kernels/kernels.h"
#include "kernels/scalar.h"

namespace visavis {
namespace {

constexpr std::array<std::string_view, 5> kIsas = {"scalar", "avx2", "avx512", "avx512_vnni",
                                                   "avx512_bf16"};

KernelTable ScalarTable() {
  KernelTable table;
  table.isa = "scalar";
  AddScalarConv(table);
  AddScalarWinograd(table);
  AddScalarLayout(table);
  AddScalarPool(table);
  AddScalarQuant(table);
  return table;
}

#if defined(__x86_64__)

// __builtin_cpu_supports also asks the operating system (XGETBV) whether it saves the registers.
bool CpuHas(std::string_view isa) {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl");
  if (isa == "scalar") return true;
  if (isa == "avx2") return avx2;
  if (isa == "avx512") return avx512;
  const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
  if (isa == "avx512_vnni") return vnni;
  return vnni && __builtin_cpu_supports("avx512bf16");
}

KernelTable MakeTable(std::string_view isa) {
  KernelTable table = ScalarTable();
  if (isa == "scalar") return table;
  if (isa == "avx2") {
    table.isa = "avx2";
    AddAvx2(table);
    return table;
  }
  table.isa = "avx512";
  table.vector_registers = 32;
  AddAvx512(table);
  if (isa == "avx512") return table;
  table.isa = "avx512_vnni";
  AddAvx512Vnni(table);
  if (isa == "avx512_vnni") return table;
  table.isa = "avx512_bf16";
  table.fast_bf16 = true;
  AddAvx512Bf16(table);
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
    std::array<KernelTable, kIsas.size()> made;
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
