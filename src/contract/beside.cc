// A contract and the model file it stands beside.
#include <filesystem>

#include "base/error.h"
#include "base/sha256.h"
#include "base/try.h"
#include "visavis/contract.h"

namespace visavis {

std::string ContractPathFor(const std::string& model_path) {
  return std::filesystem::path(model_path).replace_extension(".visavis.json").string();
}

Result<std::optional<ModelContract>> FindContractFor(const std::string& model_path,
                                                     const ContractLimits& limits) {
  Result<ModelContract> contract = ReadContract(ContractPathFor(model_path), limits);
  if (contract) return std::optional<ModelContract>(std::move(contract).value());
  if (contract.error().code == ErrorCode::kNotFound) return std::optional<ModelContract>();
  return contract.error();
}

Status CheckContract(const ModelContract& contract, const std::string& model_path) {
  const std::string contract_path = ContractPathFor(model_path);
  std::error_code error;
  const auto bytes = std::filesystem::file_size(model_path, error);
  if (!error && static_cast<std::int64_t>(bytes) != contract.model_bytes) {
    return MakeError(ErrorCode::kCorruptData,
                     "{}: has {} bytes, but {} was written for {} bytes (sha256 {})", model_path,
                     bytes, contract_path, contract.model_bytes, contract.model_sha256);
  }
  VISAVIS_ASSIGN_OR_RETURN(const std::string sha256, HashFile(model_path));
  if (sha256 != contract.model_sha256) {
    return MakeError(ErrorCode::kCorruptData, "{}: has sha256 {}, but {} was written for sha256 {}",
                     model_path, sha256, contract_path, contract.model_sha256);
  }
  return {};
}

}  // namespace visavis
