#include "zoo/records.h"

#include <chrono>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file_system.h"
#include "base/sha256.h"
#include "base/try.h"
#include "json/parse.h"
#include "zoo/registry_entry.h"

namespace visavis {
namespace {

using Json = nlohmann::json;

std::span<const std::uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string LicencePath(const std::string& root, const Asset& asset, const char* ending) {
  return root + "/licences/" + asset.name + ending;
}

std::string TrustedPath(const std::string& root, const Asset& asset) {
  return root + "/trusted/" + asset.name + ".json";
}

std::string Now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

// An object; empty if there is none that can be read.
Json ReadRecord(const std::string& path) {
  const auto bytes = FileSystem::Real().ReadFile(path, 1 << 20);
  if (!bytes) return Json::object();
  auto json = ParseJson({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, path);
  return json && json->is_object() ? *std::move(json) : Json::object();
}

Status WriteRecord(const std::string& path, const Json& record) {
  const std::string text = record.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  VISAVIS_RETURN_IF_ERROR(
      FileSystem::Real().CreateDirectories(std::filesystem::path(path).parent_path().string()));
  return WriteFileAtomically(FileSystem::Real(), path, Bytes(text));
}

std::string StringIn(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

}  // namespace

bool LicenceWasShown(const std::string& root, const Asset& asset) {
  std::error_code error;
  return std::filesystem::exists(LicencePath(root, asset, ".shown"), error);
}

Status MarkLicenceShown(const std::string& root, const Asset& asset) {
  const std::string path = LicencePath(root, asset, ".shown");
  VISAVIS_RETURN_IF_ERROR(FileSystem::Real().CreateDirectories(root + "/licences"));
  return WriteFileAtomically(FileSystem::Real(), path, {});
}

bool LicenceWasAccepted(const std::string& root, const Asset& asset) {
  const Json record = ReadRecord(LicencePath(root, asset, ".json"));
  return StringIn(record, "licence_sha256") == Sha256Hex(Bytes(asset.licence));
}

Status RecordAcceptance(const std::string& root, const Asset& asset, const std::string& how) {
  return WriteRecord(LicencePath(root, asset, ".json"),
                     {{"model", asset.name},
                      {"licence", asset.licence},
                      {"licence_url", asset.licence_url},
                      {"terms", TermsName(asset.terms)},
                      {"licence_sha256", Sha256Hex(Bytes(asset.licence))},
                      {"accepted_by", how},
                      {"accepted_at", Now()}});
}

AssetFile WithTrustedChecksum(const std::string& root, const Asset& asset, const AssetFile& file) {
  if (file.has_checksum()) return file;
  const Json record = ReadRecord(TrustedPath(root, asset));
  const auto at = record.find(file.name);
  if (at == record.end() || !at->is_object()) return file;
  const std::string sha256 = StringIn(*at, "sha256");
  const auto bytes = at->find("bytes");
  if (!IsHex(sha256, 64) || bytes == at->end() || !bytes->is_number_unsigned()) return file;
  AssetFile trusted = file;
  trusted.sha256 = sha256;
  trusted.size_bytes = bytes->get<std::int64_t>();
  return trusted;
}

Status RecordTrustedChecksum(const std::string& root, const Asset& asset, const AssetFile& file,
                             const Digests& digests, const std::string& where) {
  Json record = ReadRecord(TrustedPath(root, asset));
  if (record.contains(file.name)) return {};
  record[file.name] = {{"sha256", digests.sha256},
                       {"bytes", digests.size_bytes},
                       {"from", where},
                       {"recorded_at", Now()}};
  return WriteRecord(TrustedPath(root, asset), record);
}

void ForgetRecords(const std::string& root, const Asset& asset) {
  std::error_code error;
  for (const std::string& path : {LicencePath(root, asset, ".shown"),
                                  LicencePath(root, asset, ".json"), TrustedPath(root, asset)}) {
    std::filesystem::remove(path, error);
  }
}

}  // namespace visavis
