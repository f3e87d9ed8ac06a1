// What each per-ISA file replaces in a copy of the next lower table.
#pragma once

#include "kernels/table.h"

namespace visavis {

void AddAvx2(KernelTable& table);
void AddAvx512(KernelTable& table);
void AddAvx512Bf16(KernelTable& table);
void AddAvx2Quant(KernelTable& table);
void AddAvxVnni(KernelTable& table);
void AddAvx512Vnni(KernelTable& table);
void AddAmx(KernelTable& table);
void AddAmxQuant(KernelTable& table);

}  // namespace visavis
