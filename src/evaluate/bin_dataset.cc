#include "evaluate/bin_dataset.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "base/error.h"
#include "base/try.h"

namespace visavis {
namespace {

using Kind = Pickle::Kind;

// An encoded image: a byte string, or a one-dimensional (or n x 1) u8 array as cv2.imencode returns
// it.
Result<std::span<const std::uint8_t>> ImageBytes(const Pickle::Object& object,
                                                 const std::string& name, std::size_t index) {
  const bool is_array =
      object.kind == Kind::kArray && object.item_size == 1 &&
      std::all_of(object.shape.begin() + (object.shape.empty() ? 0 : 1), object.shape.end(),
                  [](std::int64_t extent) { return extent == 1; });
  if (object.kind != Kind::kBytes && !is_array) {
    return MakeError(ErrorCode::kCorruptData, "{}: image {} is no byte string or byte array", name,
                     index);
  }
  return std::span(reinterpret_cast<const std::uint8_t*>(object.bytes.data()), object.bytes.size());
}

Result<std::vector<bool>> Labels(const Pickle& pickle, const Pickle::Object& object,
                                 const std::string& name) {
  std::vector<bool> same;
  if (object.kind == Kind::kArray && object.item_size == 1 && object.shape.size() == 1) {
    for (const char c : object.bytes) same.push_back(c != 0);
    return same;
  }
  if (object.kind != Kind::kList && object.kind != Kind::kTuple) {
    return MakeError(ErrorCode::kCorruptData, "{}: the labels are no list", name);
  }
  same.reserve(object.items.size());
  for (const Pickle::Id id : object.items) {
    const Pickle::Object& label = pickle.at(id);
    if ((label.kind != Kind::kBool && label.kind != Kind::kInt) ||
        (label.number != 0 && label.number != 1)) {
      return MakeError(ErrorCode::kCorruptData, "{}: label {} is no boolean", name, same.size());
    }
    same.push_back(label.number != 0);
  }
  return same;
}

// The opcodes of the writer, by the names of Python's pickletools.
constexpr char kProto4[] = {'\x80', 4};
constexpr char kMark = '(';
constexpr char kEmptyList = ']';
constexpr char kAppends = 'e';
constexpr char kBinBytes8 = '\x8e';
constexpr char kMemoize = '\x94';
constexpr char kLongBinGet = 'j';
constexpr char kNewTrue = '\x88';
constexpr char kNewFalse = '\x89';
constexpr char kTuple2 = '\x86';
constexpr char kStop = '.';

void AppendLittle(std::uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
}

}  // namespace

Result<BinDataset> BinDataset::Parse(std::vector<std::uint8_t> file, const std::string& name) {
  BinDataset set(std::move(file));
  VISAVIS_ASSIGN_OR_RETURN(Pickle pickle, Pickle::Parse(*set.file_, name));
  set.pickle_ = std::make_unique<const Pickle>(std::move(pickle));
  const Pickle& data = *set.pickle_;

  const Pickle::Object& root = data.root();
  if ((root.kind != Kind::kTuple && root.kind != Kind::kList) || root.items.size() != 2) {
    return MakeError(ErrorCode::kCorruptData, "{}: want a pair (images, labels)", name);
  }
  const Pickle::Object& images = data.at(root.items[0]);
  if (images.kind != Kind::kList && images.kind != Kind::kTuple) {
    return MakeError(ErrorCode::kCorruptData, "{}: the images are no list", name);
  }
  VISAVIS_ASSIGN_OR_RETURN(set.same_, Labels(data, data.at(root.items[1]), name));
  if (images.items.size() != 2 * set.same_.size()) {
    return MakeError(ErrorCode::kCorruptData, "{}: {} images for {} labels, want two per label",
                     name, images.items.size(), set.same_.size());
  }

  // Equal bytes are one image even where the writer stored them twice.
  std::unordered_map<std::string_view, std::size_t> seen;
  set.order_.reserve(images.items.size());
  for (std::size_t i = 0; i < images.items.size(); ++i) {
    VISAVIS_ASSIGN_OR_RETURN(const std::span<const std::uint8_t> bytes,
                             ImageBytes(data.at(images.items[i]), name, i));
    const std::string_view key(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const auto [entry, is_new] = seen.try_emplace(key, set.images_.size());
    if (is_new) set.images_.push_back(bytes);
    set.order_.push_back(entry->second);
  }
  return set;
}

Result<BinDataset> BinDataset::Read(const FileSystem& fs, const std::string& path,
                                    std::int64_t max_bytes) {
  VISAVIS_ASSIGN_OR_RETURN(std::vector<std::uint8_t> file, fs.ReadFile(path, max_bytes));
  return Parse(std::move(file), path);
}

Status WriteBinDataset(FileSystem& fs, const std::string& path,
                       std::span<const std::vector<std::uint8_t>> images,
                       std::span<const std::size_t> order, const std::vector<bool>& same) {
  if (order.size() != 2 * same.size()) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: {} images for {} labels, want two per label",
                     path, order.size(), same.size());
  }
  VISAVIS_ASSIGN_OR_RETURN(AtomicFileWriter writer, AtomicFileWriter::Create(fs, path));

  std::string piece(kProto4, sizeof kProto4);
  piece += kEmptyList;
  piece += kMark;
  constexpr std::size_t kUnwritten = ~std::size_t{0};
  std::vector<std::size_t> memo(images.size(), kUnwritten);
  std::size_t memoized = 0;
  for (const std::size_t index : order) {
    if (index >= images.size()) {
      return MakeError(ErrorCode::kInvalidArgument, "{}: image {} of {}", path, index,
                       images.size());
    }
    if (memo[index] == kUnwritten) {
      memo[index] = memoized++;
      piece += kBinBytes8;
      AppendLittle(images[index].size(), 8, piece);
      VISAVIS_RETURN_IF_ERROR(writer.Append(piece));
      VISAVIS_RETURN_IF_ERROR(writer.Append(std::span(images[index])));
      piece.assign(1, kMemoize);
    } else {
      piece += kLongBinGet;
      AppendLittle(memo[index], 4, piece);
    }
  }
  piece += kAppends;
  piece += kEmptyList;
  piece += kMark;
  for (const bool label : same) piece += label ? kNewTrue : kNewFalse;
  piece += kAppends;
  piece += kTuple2;
  piece += kStop;
  VISAVIS_RETURN_IF_ERROR(writer.Append(piece));
  return writer.Commit();
}

}  // namespace visavis
