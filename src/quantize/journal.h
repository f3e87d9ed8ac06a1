// The journal of trials beside a network that is being quantized. docs/formats/trials.md
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "quantize/record.h"
#include "quantize/tune.h"

namespace visavis {

/// One line of a journal.
struct JournalEntry {
  std::string key;     ///< of what was quantized, calibrated and measured with
  std::string recipe;  ///< JSON whose keys are sorted: equal recipes, equal text
  Trial trial;         ///< but for its recipe and verdict
};

/// Reads a line, which may be hostile: at most 1 MiB, few levels, shares in [0, 1] and cosines in
/// [-1, 1]. Errors: kCorruptData, kLimitExceeded.
Result<JournalEntry> ParseJournalLine(std::string_view line);
/// The line of a trial, without its end.
std::string JournalLine(const std::string& key, const Trial& trial);

/// Trials in a file of one JSON object a line, so that a search that was stopped goes on where it
/// was. Lines of another network, calibration or set of pairs are not looked at.
/// Created when the first trial is added; Remove once the result is written.
class JournalFile {
 public:
  /// Reads what is there, unless `fresh`. Errors: those of reading; a broken line ends the journal.
  static Result<std::unique_ptr<JournalFile>> Open(FileSystem& fs, const std::string& path,
                                                   const QuantizationSource& source, bool fresh);
  TrialJournal Hooks();
  void Remove();
  std::size_t known() const { return known_.size(); }

 private:
  JournalFile(FileSystem& fs, std::string path, std::string key)
      : fs_(fs), path_(std::move(path)), key_(std::move(key)) {}
  Status Append(const Trial& trial);

  FileSystem& fs_;
  std::string path_;
  std::string key_;
  std::string text_;  // of the lines kept
  std::map<std::string, Trial> known_;
};

}  // namespace visavis
