// What the cache remembers about an asset beside its files: licence notes and acceptances, and
// checksums that were trusted on first use.
#pragma once

#include <string>

#include "visavis/zoo.h"
#include "zoo/cache.h"

namespace visavis {

/// ROOT/licences/NAME.shown
bool LicenceWasShown(const std::string& root, const Asset& asset);
Status MarkLicenceShown(const std::string& root, const Asset& asset);

/// ROOT/licences/NAME.json. An acceptance holds for the licence text it was given for.
bool LicenceWasAccepted(const std::string& root, const Asset& asset);
/// `how` is "--accept-license" or "prompt".
Status RecordAcceptance(const std::string& root, const Asset& asset, const std::string& how);

/// The file with the checksum recorded in ROOT/trusted/NAME.json, where the registry has none.
AssetFile WithTrustedChecksum(const std::string& root, const Asset& asset, const AssetFile& file);
/// Records the checksum of a file that came from `where`. Nothing is overwritten.
Status RecordTrustedChecksum(const std::string& root, const Asset& asset, const AssetFile& file,
                             const Digests& digests, const std::string& where);
/// Forgets acceptances and trusted checksums.
void ForgetRecords(const std::string& root, const Asset& asset);

}  // namespace visavis
