#include "evaluate/evaluation_set.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "base/try.h"
#include "evaluate/megaface.h"
#include "evaluate/text_lines.h"
#include "recognize/photo_list.h"
#include "visavis/limits.h"

namespace visavis {
namespace {

namespace stdfs = std::filesystem;

constexpr std::int64_t kMostListBytes = 1LL << 30;
constexpr std::int64_t kMostRowElements = 1LL << 31;

bool Exists(const stdfs::path& path) {
  std::error_code ignored;
  return stdfs::exists(path, ignored);
}

bool IsFolder(const stdfs::path& path) {
  std::error_code ignored;
  return stdfs::is_directory(path, ignored);
}

Result<std::string> ReadList(const FileSystem& fs, const std::string& path) {
  VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                           fs.ReadFile(path, kMostListBytes));
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string Hash(std::string_view text) {
  return Sha256Hex({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string Joined(const stdfs::path& folder, const std::string& name) {
  return (folder / name).lexically_normal().string();
}

// --- people -----------------------------------------------------------------------------------

// Person of each image if it is told by the folders `up` levels above; empty if a label disagrees.
std::vector<std::int32_t> PeopleByFolder(const EvaluationSet& set, int up) {
  std::unordered_map<std::string, std::int32_t> number;
  std::vector<std::int32_t> people;
  people.reserve(set.images.size());
  for (const EvaluationImage& image : set.images) {
    stdfs::path folder = stdfs::path(image.name).parent_path();
    for (int i = 1; i < up; ++i) folder = folder.parent_path();
    if (folder.empty()) return {};
    people.push_back(number.try_emplace(folder.string(), static_cast<std::int32_t>(number.size()))
                         .first->second);
  }
  const bool agree = std::all_of(set.pairs.begin(), set.pairs.end(), [&](const LabelledPair& pair) {
    return (people[pair.a] == people[pair.b]) == pair.same;
  });
  return agree ? people : std::vector<std::int32_t>();
}

// Images joined by same-person pairs are one person.
std::vector<std::int32_t> PeopleByPairs(const EvaluationSet& set) {
  std::vector<std::int32_t> parent(set.images.size());
  std::iota(parent.begin(), parent.end(), 0);
  const auto root = [&](std::size_t i) {
    while (parent[i] != static_cast<std::int32_t>(i)) {
      parent[i] = parent[static_cast<std::size_t>(parent[i])];
      i = static_cast<std::size_t>(parent[i]);
    }
    return static_cast<std::int32_t>(i);
  };
  for (const LabelledPair& pair : set.pairs) {
    if (pair.same) parent[static_cast<std::size_t>(root(pair.a))] = root(pair.b);
  }
  std::vector<std::int32_t> people;
  for (std::size_t i = 0; i < parent.size(); ++i) people.push_back(root(i));
  return people;
}

void InferPeople(EvaluationSet& set) {
  for (int up = 1; up <= 2 && set.people.empty(); ++up) set.people = PeopleByFolder(set, up);
  set.people_from_folders = !set.people.empty();
  if (set.people.empty()) set.people = PeopleByPairs(set);
}

void CountFacts(EvaluationSet& set) {
  set.facts.images = std::ssize(set.images);
  std::unordered_set<std::int32_t> people(set.people.begin(), set.people.end());
  people.erase(-1);
  set.facts.people = std::ssize(people);
  if (set.every_pair) {
    std::unordered_map<std::int32_t, std::int64_t> sizes;
    for (const std::int32_t person : set.people) ++sizes[person];
    set.facts.genuine = 0;
    for (const auto& [person, n] : sizes) set.facts.genuine += n * (n - 1) / 2;
    set.facts.pairs = set.facts.images * (set.facts.images - 1) / 2;
  } else if (set.ijb) {
    set.facts.pairs = std::ssize(set.ijb->pairs);
    set.facts.genuine = std::count_if(set.ijb->pairs.begin(), set.ijb->pairs.end(),
                                      [](const IjbMeta::Pair& pair) { return pair.same; });
  } else {
    set.facts.pairs = std::ssize(set.pairs);
    set.facts.genuine = std::count_if(set.pairs.begin(), set.pairs.end(),
                                      [](const LabelledPair& pair) { return pair.same; });
  }
  set.facts.impostor = set.facts.pairs - set.facts.genuine;
}

// --- lists of pairs -----------------------------------------------------------------------------

void TakePairs(PairList list, EvaluationSet& set) {
  for (std::string& name : list.images) set.images.push_back({std::move(name), ""});
  set.pairs = std::move(list.pairs);
  set.cohorts = std::move(list.cohorts);
  set.facts.pair_choice = "listed";
}

// Leaves only the pairs of the folds asked for, and the images in them.
Status KeepFolds(const std::vector<int>& folds, EvaluationSet& set) {
  if (folds.empty()) return {};
  std::erase_if(set.pairs, [&](const LabelledPair& pair) {
    return std::find(folds.begin(), folds.end(), pair.fold + 1) == folds.end();
  });
  if (set.pairs.empty()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: no pairs in the folds asked for",
                     set.facts.path);
  }
  std::vector<EvaluationImage> kept;
  std::unordered_map<std::size_t, std::size_t> moved;
  const auto keep = [&](std::size_t image) {
    const auto [at, is_new] = moved.try_emplace(image, kept.size());
    if (is_new) kept.push_back(std::move(set.images[image]));
    return at->second;
  };
  for (LabelledPair& pair : set.pairs) {
    pair.a = keep(pair.a);
    pair.b = keep(pair.b);
  }
  set.images = std::move(kept);
  return {};
}

// The list's folder, or one of its subfolders, that has the first image.
stdfs::path ImagesFolder(const stdfs::path& folder, const std::string& first) {
  if (Exists(folder / first)) return folder;
  std::error_code ignored;
  std::vector<stdfs::path> inside;
  for (const auto& entry : stdfs::directory_iterator(folder, ignored)) {
    if (entry.is_directory(ignored)) inside.push_back(entry.path());
  }
  std::sort(inside.begin(), inside.end());
  for (const stdfs::path& candidate : inside) {
    if (Exists(candidate / first)) return candidate;
  }
  return folder;
}

void LocateImages(const stdfs::path& folder, EvaluationSet& set) {
  if (set.images.empty()) return;
  const stdfs::path root = ImagesFolder(folder, set.images.front().name);
  for (EvaluationImage& image : set.images) image.path = Joined(root, image.name);
}

// LFW's list may be over .jpg or .png files.
Result<PairList> ParseLfwOverFiles(const std::string& text, const std::string& name,
                                   const stdfs::path& folder) {
  VISAVIS_ASSIGN_OR_RETURN(PairList list, ParseLfwPairs(text, name));
  for (const char* extension : {".png", ".jpeg", ".bmp"}) {
    const std::string& first = list.images.front();
    if (Exists(ImagesFolder(folder, first) / first)) break;
    VISAVIS_ASSIGN_OR_RETURN(PairList other, ParseLfwPairs(text, name, extension));
    if (Exists(ImagesFolder(folder, other.images.front()) / other.images.front())) return other;
  }
  return list;
}

Status LoadPairList(const FileSystem& fs, const std::string& list_path, const stdfs::path& folder,
                    EvaluationSet& set) {
  VISAVIS_ASSIGN_OR_RETURN(const std::string text, ReadList(fs, list_path));
  set.facts.sha256 = Hash(text);
  if (list_path.ends_with(".csv")) {
    set.facts.kind = "csv";
    VISAVIS_ASSIGN_OR_RETURN(PairList list, ParseCsvPairs(text, list_path));
    TakePairs(std::move(list), set);
  } else if (LooksLikeLfwPairs(text)) {
    set.facts.kind = "lfw";
    VISAVIS_ASSIGN_OR_RETURN(PairList list, ParseLfwOverFiles(text, list_path, folder));
    TakePairs(std::move(list), set);
  } else {
    set.facts.kind = "agedb";
    VISAVIS_ASSIGN_OR_RETURN(PairList list, ParseAgeDbPairs(text, list_path));
    TakePairs(std::move(list), set);
  }
  return {};
}

Status LoadBin(const FileSystem& fs, EvaluationSet& set) {
  VISAVIS_ASSIGN_OR_RETURN(std::vector<std::uint8_t> bytes, fs.ReadFile(set.facts.path, 8LL << 30));
  set.facts.kind = "bin";
  set.facts.sha256 = Sha256Hex(bytes);
  set.facts.pair_choice = "listed";
  VISAVIS_ASSIGN_OR_RETURN(BinDataset bin, BinDataset::Parse(std::move(bytes), set.facts.path));
  for (std::size_t i = 0; i < bin.images(); ++i) {
    set.images.push_back({fmt::format("image {}", i), ""});
  }
  for (std::size_t i = 0; i < bin.pairs(); ++i) {
    set.pairs.push_back({.a = bin.image_of(i, 0), .b = bin.image_of(i, 1), .same = bin.same(i)});
  }
  set.bin = std::make_shared<const BinDataset>(std::move(bin));
  return {};
}

Status LoadCfp(const FileSystem& fs, const stdfs::path& folder, const LoadSetOptions& options,
               EvaluationSet& set) {
  const bool profile = options.protocol != "ff";
  set.facts.kind = profile ? "cfp-fp" : "cfp-ff";
  std::string all;
  const auto read = [&](const stdfs::path& path) -> Result<std::string> {
    VISAVIS_ASSIGN_OR_RETURN(std::string text, ReadList(fs, path.string()));
    all += text;
    return text;
  };
  VISAVIS_ASSIGN_OR_RETURN(const std::string frontal, read(folder / "Pair_list_F.txt"));
  VISAVIS_ASSIGN_OR_RETURN(const std::string profiles, read(folder / "Pair_list_P.txt"));
  std::vector<CfpFold> folds;
  for (int f = 1; f <= 99; ++f) {
    const stdfs::path split = folder / "Split" / (profile ? "FP" : "FF") / fmt::format("{:02}", f);
    if (!IsFolder(split)) break;
    VISAVIS_ASSIGN_OR_RETURN(std::string same, read(split / "same.txt"));
    VISAVIS_ASSIGN_OR_RETURN(std::string different, read(split / "diff.txt"));
    folds.push_back({std::move(same), std::move(different)});
  }
  if (folds.empty()) {
    return MakeError(ErrorCode::kNotFound, "{}: no folder Split/{}/01", folder.string(),
                     profile ? "FP" : "FF");
  }
  VISAVIS_ASSIGN_OR_RETURN(PairList list,
                           ParseCfpPairs(frontal, profiles, folds, profile, folder.string()));
  set.facts.sha256 = Hash(all);
  TakePairs(std::move(list), set);
  const stdfs::path root = options.images.empty() ? folder : stdfs::path(options.images);
  for (EvaluationImage& image : set.images) image.path = Joined(root, image.name);
  return {};
}

// --- identities ---------------------------------------------------------------------------------

void ListAllPairs(EvaluationSet& set) {
  for (std::size_t a = 0; a < set.images.size(); ++a) {
    for (std::size_t b = a + 1; b < set.images.size(); ++b) {
      set.pairs.push_back({.a = a, .b = b, .same = set.people[a] == set.people[b]});
    }
  }
  set.facts.pair_choice = "all";
}

// Up to `count` pairs of each class, each drawn once.
Status SamplePairs(std::int64_t count, std::uint64_t seed, EvaluationSet& set) {
  std::mt19937_64 random(seed);
  std::unordered_map<std::int32_t, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < set.images.size(); ++i) members[set.people[i]].push_back(i);
  std::vector<std::int32_t> order;
  for (const auto& [person, images] : members) order.push_back(person);
  std::sort(order.begin(), order.end());
  for (const std::int32_t person : order) {
    const std::vector<std::size_t>& images = members[person];
    for (std::size_t i = 0; i < images.size(); ++i) {
      for (std::size_t j = i + 1; j < images.size(); ++j) {
        set.pairs.push_back({.a = images[i], .b = images[j], .same = true});
      }
    }
    if (std::ssize(set.pairs) > 50'000'000) {
      return MakeError(ErrorCode::kLimitExceeded, "{}: more than 50,000,000 same-person pairs",
                       set.facts.path);
    }
  }
  if (std::ssize(set.pairs) > count) {
    std::shuffle(set.pairs.begin(), set.pairs.end(), random);
    set.pairs.resize(static_cast<std::size_t>(count));
  }
  const auto n = static_cast<std::uint64_t>(set.images.size());
  const std::int64_t impostors = set.facts.images * (set.facts.images - 1) / 2 - set.facts.genuine;
  std::unordered_set<std::uint64_t> seen;
  std::uniform_int_distribution<std::size_t> draw(0, set.images.size() - 1);
  while (std::ssize(seen) < std::min(count, impostors)) {
    std::size_t a = draw(random);
    std::size_t b = draw(random);
    if (set.people[a] == set.people[b]) continue;
    if (a > b) std::swap(a, b);
    if (seen.insert(a * n + b).second) set.pairs.push_back({.a = a, .b = b, .same = false});
  }
  set.facts.pair_choice = "sampled";
  return {};
}

Status PairIdentities(const LoadSetOptions& options, EvaluationSet& set) {
  const std::int64_t n = std::ssize(set.images);
  if (n < 2) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: {} images, want two or more", set.facts.path,
                     n);
  }
  set.facts.pair_choice = "all";
  set.every_pair = true;
  CountFacts(set);
  set.every_pair = options.sample_pairs == 0 && n * (n - 1) / 2 > options.most_listed;
  if (set.every_pair) return {};
  if (options.sample_pairs > 0) return SamplePairs(options.sample_pairs, options.seed, set);
  ListAllPairs(set);
  return {};
}

// One subfolder per person; what lies deeper belongs to it as well.
Status LoadIdentities(const std::string& folder, const LoadSetOptions& options,
                      EvaluationSet& set) {
  const PhotoList photos = ListPhotos({folder});
  if (!photos.failures.empty()) return photos.failures.front().second;
  std::unordered_map<std::string, std::int32_t> number;
  std::string names;
  for (const std::string& path : photos.paths) {
    const stdfs::path relative = stdfs::path(path).lexically_relative(folder);
    if (!relative.has_parent_path()) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "{}: lies in no person's folder; want one subfolder per person, or a list "
                       "of pairs (--pairs)",
                       path);
    }
    set.people.push_back(
        number.try_emplace(relative.begin()->string(), static_cast<std::int32_t>(number.size()))
            .first->second);
    set.images.push_back({relative.string(), path});
    names += relative.string() + "\n";
  }
  set.people_from_folders = true;
  set.facts.kind = "folder";
  set.facts.sha256 = Hash(names);
  return PairIdentities(options, set);
}

// --- stored embeddings --------------------------------------------------------------------------

// The inverse of TsvField.
std::string FromTsvField(std::string_view field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\' || i + 1 == field.size()) {
      text += field[i];
      continue;
    }
    const char c = field[++i];
    text += c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c;
  }
  return text;
}

// `visavis embed`'s names (a header that begins with "path"), or one name a line.
std::vector<std::string> ParseNames(std::string_view text) {
  std::vector<std::string> names;
  LineReader lines(text);
  bool table = false;
  while (const auto line = lines.Next()) {
    if (lines.number() == 1 && (*line == "path" || line->starts_with("path\t"))) {
      table = true;
      continue;
    }
    if (line->empty()) continue;
    names.push_back(table ? FromTsvField(line->substr(0, line->find('\t'))) : std::string(*line));
  }
  return names;
}

Result<std::string> NamesFile(const std::string& path, const LoadSetOptions& options) {
  if (!options.names.empty()) return options.names;
  const std::string stem = stdfs::path(path).replace_extension().string();
  for (const std::string& candidate : {stem + ".names.tsv", stem + ".names.txt", stem + ".txt"}) {
    if (Exists(candidate)) return candidate;
  }
  return MakeError(ErrorCode::kNotFound, "{}: has no {}.names.tsv beside it; name it with --names",
                   path, stem);
}

Status LoadRows(const FileSystem& fs, const LoadSetOptions& options, EvaluationSet& set) {
  const std::string& path = set.facts.path;
  VISAVIS_ASSIGN_OR_RETURN(NpyArray rows, [&]() -> Result<NpyArray> {
    VISAVIS_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                             fs.ReadFile(path, 4 * kMostRowElements + 4096));
    return ParseNpy(bytes, path, kMostRowElements);
  }());
  VISAVIS_ASSIGN_OR_RETURN(const std::string names_path, NamesFile(path, options));
  VISAVIS_ASSIGN_OR_RETURN(const std::string names_text, ReadList(fs, names_path));
  const std::vector<std::string> names = ParseNames(names_text);
  if (rows.shape.size() != 2 || rows.shape[1] < 1 || rows.shape[0] != std::ssize(names)) {
    return MakeError(ErrorCode::kCorruptData, "{}: shape [{}], want [{}, D] for the names in {}",
                     path, fmt::join(rows.shape, ", "), names.size(), names_path);
  }
  set.facts.kind = "embeddings";
  set.facts.input = "embeddings";
  if (options.pairs.empty()) {
    std::unordered_map<std::string, std::int32_t> number;
    for (const std::string& name : names) {
      set.people.push_back(number
                               .try_emplace(stdfs::path(name).parent_path().string(),
                                            static_cast<std::int32_t>(number.size()))
                               .first->second);
      set.images.push_back({name, ""});
    }
    set.people_from_folders = true;
    set.facts.sha256 = Hash(names_text);
    set.rows = std::move(rows);
    return PairIdentities(options, set);
  }
  // Rows in the order of the pairs' images.
  const std::string list_folder = stdfs::path(path).parent_path().string();
  VISAVIS_RETURN_IF_ERROR(LoadPairList(fs, options.pairs, list_folder, set));
  VISAVIS_RETURN_IF_ERROR(KeepFolds(options.only_folds, set));
  std::unordered_map<std::string_view, std::size_t> row_of;
  for (std::size_t i = 0; i < names.size(); ++i) row_of.try_emplace(names[i], i);
  const auto width = static_cast<std::size_t>(rows.shape[1]);
  NpyArray ordered{{std::ssize(set.images), rows.shape[1]}, {}};
  ordered.values.reserve(set.images.size() * width);
  for (const EvaluationImage& image : set.images) {
    const auto found = row_of.find(image.name);
    if (found == row_of.end()) {
      return MakeError(ErrorCode::kNotFound, "{}: has no row named {}", names_path, image.name);
    }
    const auto* first = rows.values.data() + found->second * width;
    ordered.values.insert(ordered.values.end(), first, first + width);
  }
  set.rows = std::move(ordered);
  return {};
}

// --- IJB ----------------------------------------------------------------------------------------

// The one file of the meta folder that ends so; "" if there is none.
std::string FileEnding(const stdfs::path& folder, std::string_view ending) {
  std::error_code ignored;
  std::vector<std::string> found;
  for (const auto& entry : stdfs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().ends_with(ending)) found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  return found.empty() ? std::string() : found.front();
}

Status LoadIjb(const FileSystem& fs, const stdfs::path& folder, const LoadSetOptions& options,
               EvaluationSet& set) {
  const stdfs::path meta_folder = folder / "meta";
  IjbMeta meta;
  std::string all;
  const auto parse = [&](std::string_view ending, auto&& parser) -> Status {
    const std::string path = FileEnding(meta_folder, ending);
    if (path.empty()) {
      return MakeError(ErrorCode::kNotFound, "{}: no file *{}", meta_folder.string(), ending);
    }
    VISAVIS_ASSIGN_OR_RETURN(const std::string text, ReadList(fs, path));
    all += Hash(text);
    return parser(text, path);
  };
  VISAVIS_RETURN_IF_ERROR(parse("_face_tid_mid.txt", [&](const auto& text, const auto& name) {
    return ParseIjbTemplates(text, name, meta);
  }));
  VISAVIS_RETURN_IF_ERROR(parse("_name_5pts_score.txt", [&](const auto& text, const auto& name) {
    return ParseIjbImages(text, name, meta);
  }));
  VISAVIS_RETURN_IF_ERROR(
      parse("_template_pair_label.txt",
            [&](const auto& text, const auto& name) { return ParseIjbPairs(text, name, meta); }));
  for (const char* which : {"gallery_S1", "gallery_S2", "gallery_G1", "gallery_G2"}) {
    const std::string ending = fmt::format("_1N_{}.csv", which);
    if (FileEnding(meta_folder, ending).empty()) continue;
    VISAVIS_RETURN_IF_ERROR(parse(ending, [&](const auto& text, const auto& name) -> Status {
      VISAVIS_ASSIGN_OR_RETURN(IjbSubjects gallery, ParseIjbSubjects(text, name));
      gallery.name = std::string_view(which).substr(8);
      meta.galleries.push_back(std::move(gallery));
      return {};
    }));
  }
  if (!meta.galleries.empty()) {
    VISAVIS_RETURN_IF_ERROR(
        parse("_1N_probe_mixed.csv", [&](const auto& text, const auto& name) -> Status {
          VISAVIS_ASSIGN_OR_RETURN(meta.probes, ParseIjbSubjects(text, name));
          meta.probes.name = "probes";
          return {};
        }));
  }
  const stdfs::path root =
      options.images.empty() ? folder / "loose_crop" : stdfs::path(options.images);
  for (const IjbImage& image : meta.images) {
    set.images.push_back({image.name, Joined(root, image.name), image.landmarks});
  }
  set.facts.kind = "ijb";
  set.facts.sha256 = Hash(all);
  set.facts.pair_choice = "listed";
  set.people.assign(set.images.size(), -1);
  set.ijb = std::move(meta);
  return {};
}

Status LoadMegaFace(const FileSystem& fs, EvaluationSet& set) {
  VISAVIS_ASSIGN_OR_RETURN(MegaFaceFeatures features, ReadMegaFaceFolder(fs, set.facts.path));
  std::string names;
  for (std::string& name : features.names) {
    names += name + "\n";
    set.images.push_back({std::move(name), ""});
  }
  set.people = std::move(features.people);
  set.people_from_folders = true;
  set.rows = std::move(features.rows);
  set.facts.kind = "megaface";
  set.facts.input = "embeddings";
  set.facts.sha256 = Hash(names);
  set.facts.pair_choice = "all";
  return {};
}

Status LoadFolder(const FileSystem& fs, const LoadSetOptions& options, EvaluationSet& set) {
  const stdfs::path folder = set.facts.path;
  const bool any = options.kind == "auto";
  const auto wanted = [&](const char* kind, const stdfs::path& sign) {
    return options.kind == kind || (any && options.pairs.empty() && Exists(folder / sign));
  };
  if (wanted("ijb", "meta")) return LoadIjb(fs, folder, options, set);
  if (any && options.pairs.empty() && Exists(folder / "facescrub") && Exists(folder / "megaface"))
    return LoadMegaFace(fs, set);
  if (wanted("cfp", "Pair_list_F.txt")) return LoadCfp(fs, folder, options, set);
  if (any && options.pairs.empty() && Exists(folder / "Protocol" / "Pair_list_F.txt"))
    return LoadCfp(fs, folder / "Protocol", options, set);
  const std::string list = !options.pairs.empty() ? options.pairs
                           : Exists(folder / "pairs.txt") && options.kind != "folder"
                               ? (folder / "pairs.txt").string()
                               : std::string();
  if (list.empty()) return LoadIdentities(set.facts.path, options, set);
  const stdfs::path root = options.images.empty() ? folder : stdfs::path(options.images);
  VISAVIS_RETURN_IF_ERROR(LoadPairList(fs, list, root, set));
  VISAVIS_RETURN_IF_ERROR(KeepFolds(options.only_folds, set));
  LocateImages(root, set);
  return {};
}

}  // namespace

bool EvaluationSet::HasFolds() const {
  return !pairs.empty() && std::all_of(pairs.begin(), pairs.end(),
                                       [](const LabelledPair& pair) { return pair.fold >= 0; });
}

int EvaluationSet::FoldCount() const {
  int folds = 0;
  for (const LabelledPair& pair : pairs) folds = std::max(folds, pair.fold + 1);
  return folds;
}

Result<std::vector<std::uint8_t>> EvaluationSet::ReadImageFile(std::size_t image) const {
  if (bin != nullptr) {
    const auto bytes = bin->image(image);
    return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
  }
  return FileSystem::Real().ReadFile(images[image].path, Limits().image_file_bytes);
}

Result<EvaluationSet> LoadEvaluationSet(const FileSystem& fs, const std::string& path,
                                        const LoadSetOptions& options) {
  EvaluationSet set;
  set.facts.path = path;
  if (IsFolder(path)) {
    VISAVIS_RETURN_IF_ERROR(LoadFolder(fs, options, set));
  } else if (path.ends_with(".bin")) {
    VISAVIS_RETURN_IF_ERROR(LoadBin(fs, set));
  } else if (path.ends_with(".npy")) {
    VISAVIS_RETURN_IF_ERROR(LoadRows(fs, options, set));
  } else if (path.ends_with(".csv") || path.ends_with(".txt")) {
    const stdfs::path root =
        options.images.empty() ? stdfs::path(path).parent_path() : stdfs::path(options.images);
    VISAVIS_RETURN_IF_ERROR(LoadPairList(fs, path, root, set));
    VISAVIS_RETURN_IF_ERROR(KeepFolds(options.only_folds, set));
    LocateImages(root.empty() ? stdfs::path(".") : root, set);
  } else if (!Exists(path)) {
    return MakeError(ErrorCode::kNotFound, "{}: no such file or folder", path);
  } else {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: want a .bin, .npy, .csv, .txt file or a folder", path);
  }
  if (set.people.empty()) InferPeople(set);
  CountFacts(set);
  return set;
}

}  // namespace visavis
