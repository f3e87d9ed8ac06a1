#include "recognize/embedding_writer.h"

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/check.h"
#include "base/error.h"
#include "base/npy.h"
#include "base/text.h"
#include "base/try.h"

namespace visavis {
namespace {

// How much work a killed process may lose.
constexpr std::chrono::seconds kCheckpointInterval{5};
constexpr std::int64_t kMaxCheckpointBytes = 4096;
constexpr std::string_view kCheckpointMagic = "visavis-embed-checkpoint 1";
constexpr std::string_view kNamesHeader = "path\tface\tx1\ty1\tx2\ty2\tscore\n";
constexpr std::string_view kFailedHeader = "path\terror\tmessage\n";

enum Part { kRows, kNames, kFailed, kParts };

// How far the partial files can be trusted.
struct Checkpoint {
  std::string fingerprint;
  std::int64_t inputs = 0;
  std::int64_t rows = 0;
  std::int64_t failures = 0;
  std::array<std::int64_t, kParts> bytes{};
};

std::string Format(const Checkpoint& checkpoint) {
  return fmt::format("{}\nfingerprint {}\ninputs {}\nrows {}\nfailures {}\nbytes {} {} {}\n",
                     kCheckpointMagic, checkpoint.fingerprint, checkpoint.inputs, checkpoint.rows,
                     checkpoint.failures, checkpoint.bytes[kRows], checkpoint.bytes[kNames],
                     checkpoint.bytes[kFailed]);
}

std::optional<Checkpoint> ParseCheckpoint(std::span<const std::uint8_t> bytes) {
  std::istringstream text(std::string(bytes.begin(), bytes.end()));
  std::string magic;
  std::array<std::string, 5> keys;
  Checkpoint checkpoint;
  if (!std::getline(text, magic) || magic != kCheckpointMagic) return std::nullopt;
  text >> keys[0] >> checkpoint.fingerprint >> keys[1] >> checkpoint.inputs >> keys[2] >>
      checkpoint.rows >> keys[3] >> checkpoint.failures >> keys[4] >> checkpoint.bytes[kRows] >>
      checkpoint.bytes[kNames] >> checkpoint.bytes[kFailed];
  if (!text ||
      keys != std::array<std::string, 5>{"fingerprint", "inputs", "rows", "failures", "bytes"}) {
    return std::nullopt;
  }
  return checkpoint;
}

// File names need not be UTF-8, JSON must: other bytes become U+FFFD.
std::string JsonString(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// x1, y1, x2, y2 and score; empty without boxes.
std::string BoxFields(const Face& face, bool with_boxes, char separator) {
  if (!with_boxes) return std::string(4, separator);
  return fmt::format("{1:.2f}{0}{2:.2f}{0}{3:.2f}{0}{4:.2f}{0}{5:.4f}", separator, face.box.x1,
                     face.box.y1, face.box.x2, face.box.y2, face.score);
}

// One file format of rows.
class RowFormat {
 public:
  virtual ~RowFormat() = default;
  virtual std::string Begin(int dimension) const = 0;
  virtual void Row(const std::string& photo, std::size_t index, const RecognizedFace& face,
                   bool with_boxes, std::string& out) const = 0;
  /// What replaces Begin when all rows are known; the same length.
  virtual std::string FinalBegin(std::int64_t rows, int dimension) const {
    (void)rows;
    return Begin(dimension);
  }
};

class NpyRows : public RowFormat {
 public:
  std::string Begin(int dimension) const override { return FinalBegin(0, dimension); }
  std::string FinalBegin(std::int64_t rows, int dimension) const override {
    return NpyHeader(std::array<std::int64_t, 2>{rows, dimension});
  }
  void Row(const std::string&, std::size_t, const RecognizedFace& face, bool,
           std::string& out) const override {
    out.append(reinterpret_cast<const char*>(face.embedding.data()),
               face.embedding.size() * sizeof(float));
  }
};

class JsonlRows : public RowFormat {
 public:
  std::string Begin(int) const override { return {}; }
  void Row(const std::string& photo, std::size_t index, const RecognizedFace& face, bool with_boxes,
           std::string& out) const override {
    out += fmt::format("{{\"path\":{},\"face\":{}", JsonString(photo), index);
    if (with_boxes) {
      const Box& box = face.face.box;
      out += fmt::format(",\"box\":[{:.2f},{:.2f},{:.2f},{:.2f}],\"score\":{:.4f}", box.x1, box.y1,
                         box.x2, box.y2, face.face.score);
    }
    out += fmt::format(",\"embedding\":[{}]}}\n", fmt::join(face.embedding, ","));
  }
};

class CsvRows : public RowFormat {
 public:
  std::string Begin(int dimension) const override {
    std::string header = "path,face,x1,y1,x2,y2,score";
    for (int i = 0; i < dimension; ++i) header += fmt::format(",e{}", i);
    return header + "\n";
  }
  void Row(const std::string& photo, std::size_t index, const RecognizedFace& face, bool with_boxes,
           std::string& out) const override {
    out += fmt::format("{},{},{},{}\n", CsvField(photo), index,
                       BoxFields(face.face, with_boxes, ','), fmt::join(face.embedding, ","));
  }
};

std::unique_ptr<RowFormat> RowFormatOf(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  if (extension == ".npy") return std::make_unique<NpyRows>();
  if (extension == ".jsonl") return std::make_unique<JsonlRows>();
  if (extension == ".csv") return std::make_unique<CsvRows>();
  return nullptr;
}

std::span<const std::uint8_t> AsBytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::string BesideOutput(const std::string& path, std::string_view suffix) {
  return std::filesystem::path(path).replace_extension().string() + std::string(suffix);
}

struct EmbeddingWriter::State {
  State(FileSystem& file_system, const EmbeddingFileSpec& s)
      : fs(file_system),
        spec(s),
        paths{s.path, BesideOutput(s.path, ".names.tsv"), BesideOutput(s.path, ".failed.tsv")},
        checkpoint_path(s.path + ".checkpoint"),
        format(RowFormatOf(s.path)) {
    done.fingerprint = s.fingerprint;
  }

  std::string PartialPath(Part part) const { return paths[part] + ".partial"; }

  // Counts in `next`, which becomes `done` only when everything of one input is written.
  Status Write(Part part, std::string_view text, Checkpoint& next) {
    VISAVIS_RETURN_IF_ERROR(files[part]->Append(AsBytes(text)));
    next.bytes[part] += static_cast<std::int64_t>(text.size());
    return {};
  }

  Status Start() {
    const std::array<std::string, kParts> begin{
        format->Begin(spec.dimension), std::string(kNamesHeader), std::string(kFailedHeader)};
    for (int part = 0; part < kParts; ++part) {
      VISAVIS_ASSIGN_OR_RETURN(files[part], fs.OpenForAppend(PartialPath(Part(part)), 0));
      VISAVIS_RETURN_IF_ERROR(Write(Part(part), begin[part], done));
    }
    return {};
  }

  Status Continue(const Checkpoint& from) {
    for (int part = 0; part < kParts; ++part) {
      VISAVIS_ASSIGN_OR_RETURN(files[part],
                               fs.OpenForAppend(PartialPath(Part(part)), from.bytes[part]));
    }
    done = from;
    return {};
  }

  // Data first: the checkpoint must never promise what is not on the disk.
  Status SaveCheckpoint() {
    for (const auto& file : files) VISAVIS_RETURN_IF_ERROR(file->Sync());
    VISAVIS_RETURN_IF_ERROR(WriteFileAtomically(fs, checkpoint_path, AsBytes(Format(done))));
    last_checkpoint = std::chrono::steady_clock::now();
    return {};
  }

  Status InputDone(Checkpoint next) {
    done = std::move(next);
    ++done.inputs;
    if (std::chrono::steady_clock::now() - last_checkpoint < kCheckpointInterval) return {};
    return SaveCheckpoint();
  }

  void RemovePartials() {
    for (auto& file : files) file.reset();
    for (int part = 0; part < kParts; ++part) (void)fs.Remove(PartialPath(Part(part)));
    (void)fs.Remove(checkpoint_path);
  }

  FileSystem& fs;
  EmbeddingFileSpec spec;
  std::array<std::string, kParts> paths;
  std::string checkpoint_path;
  std::unique_ptr<RowFormat> format;
  std::array<std::unique_ptr<WritableFile>, kParts> files;
  Checkpoint done;  // everything written so far, on disk or not
  std::chrono::steady_clock::time_point last_checkpoint = std::chrono::steady_clock::now();
};

Result<EmbeddingWriter> EmbeddingWriter::Open(FileSystem& fs, const EmbeddingFileSpec& spec) {
  auto state = std::make_unique<State>(fs, spec);
  if (state->format == nullptr) {
    return MakeError(ErrorCode::kInvalidArgument,
                     "{}: want a name that ends in .npy, .jsonl or .csv", spec.path);
  }
  // Found out now rather than by the last step of hours of work.
  if (std::error_code error; std::filesystem::is_directory(spec.path, error)) {
    return MakeError(ErrorCode::kInvalidArgument, "{}: is a directory, want a file", spec.path);
  }
  const auto saved = fs.ReadFile(state->checkpoint_path, kMaxCheckpointBytes);
  if (spec.resume && saved) {
    const std::optional<Checkpoint> checkpoint = ParseCheckpoint(*saved);
    if (!checkpoint) {
      return MakeError(ErrorCode::kCorruptData, "{}: not a checkpoint", state->checkpoint_path);
    }
    if (checkpoint->fingerprint != spec.fingerprint) {
      return MakeError(ErrorCode::kInvalidArgument,
                       "{}: belongs to other inputs, models or options; run without --resume to "
                       "start anew",
                       state->checkpoint_path);
    }
    VISAVIS_RETURN_IF_ERROR(state->Continue(*checkpoint));
  } else {
    // A checkpoint of an older run must not be taken for one of this.
    if (saved) VISAVIS_RETURN_IF_ERROR(fs.Remove(state->checkpoint_path));
    if (Status started = state->Start(); !started) {
      state->RemovePartials();
      return started.error();
    }
  }
  return EmbeddingWriter(std::move(state));
}

EmbeddingWriter::EmbeddingWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
EmbeddingWriter::EmbeddingWriter(EmbeddingWriter&&) noexcept = default;
EmbeddingWriter::~EmbeddingWriter() = default;

std::int64_t EmbeddingWriter::inputs_done() const { return state_->done.inputs; }
std::int64_t EmbeddingWriter::rows() const { return state_->done.rows; }
std::int64_t EmbeddingWriter::failures() const { return state_->done.failures; }

Status EmbeddingWriter::Add(const std::string& photo, std::span<const RecognizedFace> faces) {
  State& state = *state_;
  std::string rows;
  std::string names;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    VISAVIS_CHECK(faces[i].embedding.size() == static_cast<std::size_t>(state.spec.dimension));
    state.format->Row(photo, i, faces[i], state.spec.with_boxes, rows);
    names += fmt::format("{}\t{}\t{}\n", TsvField(photo), i,
                         BoxFields(faces[i].face, state.spec.with_boxes, '\t'));
  }
  Checkpoint next = state.done;
  VISAVIS_RETURN_IF_ERROR(state.Write(kRows, rows, next));
  VISAVIS_RETURN_IF_ERROR(state.Write(kNames, names, next));
  next.rows += static_cast<std::int64_t>(faces.size());
  return state.InputDone(std::move(next));
}

Status EmbeddingWriter::AddFailure(const std::string& photo, std::string_view kind,
                                   const std::string& message) {
  State& state = *state_;
  Checkpoint next = state.done;
  const std::string line = fmt::format("{}\t{}\t{}\n", TsvField(photo), kind, TsvField(message));
  VISAVIS_RETURN_IF_ERROR(state.Write(kFailed, line, next));
  ++next.failures;
  return state.InputDone(std::move(next));
}

Status EmbeddingWriter::Suspend() {
  State& state = *state_;
  Status saved;
  if (state.done.inputs > 0) saved = state.SaveCheckpoint();
  const bool can_continue =
      state.fs.ReadFile(state.checkpoint_path, kMaxCheckpointBytes).has_value();
  if (!can_continue) state.RemovePartials();
  return saved;
}

Status EmbeddingWriter::Commit() {
  State& state = *state_;
  const std::string begin = state.format->FinalBegin(state.done.rows, state.spec.dimension);
  VISAVIS_RETURN_IF_ERROR(state.files[kRows]->Overwrite(0, AsBytes(begin)));
  for (auto& file : state.files) VISAVIS_RETURN_IF_ERROR(file->Close());
  // The rows come last: who finds them finds their names, too.
  if (state.done.failures > 0) {
    VISAVIS_RETURN_IF_ERROR(state.fs.Rename(state.PartialPath(kFailed), state.paths[kFailed]));
  } else {
    (void)state.fs.Remove(state.paths[kFailed]);  // of an earlier run; mostly there is none
    VISAVIS_RETURN_IF_ERROR(state.fs.Remove(state.PartialPath(kFailed)));
  }
  VISAVIS_RETURN_IF_ERROR(state.fs.Rename(state.PartialPath(kNames), state.paths[kNames]));
  VISAVIS_RETURN_IF_ERROR(state.fs.Rename(state.PartialPath(kRows), state.paths[kRows]));
  (void)state.fs.Remove(state.checkpoint_path);
  return {};
}

}  // namespace visavis
