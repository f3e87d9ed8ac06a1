// The files of models/known/ as text in the library.
#pragma once

namespace visavis {

const char* KnownMobileFaceNetText();

}  // namespace visavis
