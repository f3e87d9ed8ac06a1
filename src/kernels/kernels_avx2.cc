// AVX2 (with FMA) kernels.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/isa_macros.h"
#include "kernels/isa_tables.h"

namespace visavis {
namespace {

// In the order of their needs.
// clang-format off
#include "kernels/vec_avx2.inc"
#include "kernels/epilogue_impl.inc"
#include "kernels/conv_impl.inc"
#include "kernels/stem_impl.inc"
#include "kernels/winograd_impl.inc"
#include "kernels/winograd_raw_impl.inc"
#include "kernels/depthwise_impl.inc"
#include "kernels/fc_impl.inc"
#include "kernels/planar_impl.inc"
#include "kernels/layout_impl.inc"
#include "kernels/machine_impl.inc"
// clang-format on

}  // namespace

void AddAvx2(KernelTable& table) {
  table.conv_f32 = Conv<F32Dot>;
  table.conv_stem = ConvStem;
  table.conv_planar = ConvPlanar;
  table.depthwise = Depthwise;
  table.winograd_input_f32 = WinogradInput<float>;
  table.winograd_output_f32 = WinogradOutput<F32Dot>;
  table.winograd_output_raw = WinogradOutputRaw;
  table.fc_f32 = Fc<F32Dot>;
  AddLayout(table);
  table.peak_f32 = PeakF32;
  table.read_memory = ReadMemory;
}

}  // namespace visavis
