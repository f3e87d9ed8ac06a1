// Runs a fuzz target without a fuzzer: every file of a corpus folder as it is, cut short, and with
// seeded mutations. The same inputs on every run.
//   usage: fuzz_x MUTATIONS CORPUS_FOLDER_OR_FILE...
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

// In exactly-sized heap memory, so that a sanitizer sees a read past the end.
void RunOnce(const Bytes& bytes) {
  const Bytes exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::vector<std::filesystem::path> ListFiles(const std::filesystem::path& path) {
  if (std::filesystem::is_regular_file(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Bytes ReadBytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

// One small damage: a bit, a byte, an interesting number, a repeated or a removed run.
void Damage(Bytes& bytes, std::mt19937& random) {
  if (bytes.empty()) return;
  constexpr std::uint8_t kInteresting[] = {0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF};
  const std::size_t at = random() % bytes.size();
  const std::size_t run = std::min<std::size_t>(1 + random() % 16, bytes.size() - at);
  switch (random() % 5) {
    case 0:
      bytes[at] ^= static_cast<std::uint8_t>(1u << random() % 8);
      break;
    case 1:
      bytes[at] = static_cast<std::uint8_t>(random());
      break;
    case 2:
      std::fill_n(bytes.begin() + at, std::min<std::size_t>(run, 4),
                  kInteresting[random() % std::size(kInteresting)]);
      break;
    case 3: {
      const Bytes copy(bytes.begin() + at, bytes.begin() + at + run);
      bytes.insert(bytes.begin() + random() % bytes.size(), copy.begin(), copy.end());
      break;
    }
    default:
      bytes.erase(bytes.begin() + at, bytes.begin() + at + run);
  }
}

void Replay(const Bytes& original, int mutations) {
  RunOnce(original);
  constexpr std::size_t kCuts = 20;
  for (std::size_t i = 0; i < kCuts; ++i) {
    RunOnce(Bytes(original.begin(), original.begin() + original.size() * i / kCuts));
  }
  std::mt19937 random(1);
  for (int i = 0; i < mutations; ++i) {
    Bytes mutated = original;
    for (std::uint32_t damages = 1 + random() % 4; damages > 0; --damages) Damage(mutated, random);
    RunOnce(mutated);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MUTATIONS CORPUS_FOLDER_OR_FILE...\n", argv[0]);
    return 2;
  }
  const int mutations = std::atoi(argv[1]);
  std::size_t files = 0;
  for (int i = 2; i < argc; ++i) {
    for (const auto& file : ListFiles(argv[i])) {
      Replay(ReadBytes(file), mutations);
      ++files;
    }
  }
  std::printf("replayed %zu files, %d mutations of each\n", files, mutations);
  return files > 0 ? 0 : 1;  // an empty corpus tests nothing
}
