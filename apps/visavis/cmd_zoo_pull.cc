// visavis zoo pull
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <map>
#include <memory>

#include "base/exit_code.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/try.h"
#include "commands.h"
#include "json_output.h"
#include "zoo/pull.h"
#include "zoo/registry_entry.h"
#include "zoo_options.h"

namespace visavis::cli {
namespace {

struct Options {
  ZooSelection selection;
  std::string output;
  int jobs = 1;
  FetchOptions fetch;
  std::string progress_format = "text";
};

// Open Model Zoo's JSON lines.
void PrintEventAsJson(const FetchEvent& event) {
  Json json;
  switch (event.kind) {
    case FetchEvent::Kind::kModelBegin:
      json = {{"$type", "model_download_begin"}, {"model", event.model}, {"num_files", event.size}};
      break;
    case FetchEvent::Kind::kFileBegin:
      json = {{"$type", "model_file_download_begin"},
              {"model", event.model},
              {"model_file", event.file},
              {"size", event.size}};
      break;
    case FetchEvent::Kind::kFileProgress:
      json = {{"$type", "model_file_download_progress"},
              {"model", event.model},
              {"model_file", event.file},
              {"size", event.size}};
      break;
    case FetchEvent::Kind::kFileEnd:
      json = {{"$type", "model_file_download_end"},
              {"model", event.model},
              {"model_file", event.file},
              {"successful", event.successful}};
      break;
    case FetchEvent::Kind::kModelEnd:
      json = {{"$type", "model_download_end"},
              {"model", event.model},
              {"successful", event.successful}};
      break;
    case FetchEvent::Kind::kPostprocessBegin:
      json = {{"$type", "model_postprocessing_begin"}, {"model", event.model}};
      break;
    case FetchEvent::Kind::kPostprocessEnd:
      json = {{"$type", "model_postprocessing_end"}, {"model", event.model}};
      break;
    case FetchEvent::Kind::kNote:
      PrintError(event.model + ": " + event.text);
      return;
  }
  fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
  std::fflush(stdout);
}

// One bar for everything that is under way: bytes so far of bytes to come.
class TextProgress {
 public:
  void operator()(const FetchEvent& event) {
    switch (event.kind) {
      case FetchEvent::Kind::kFileBegin:
        total_ += event.size;
        sizes_[event.model + "/" + event.file] = {0, event.size};
        break;
      case FetchEvent::Kind::kFileProgress: {
        auto& [done, size] = sizes_[event.model + "/" + event.file];
        done_ += event.size - done;
        done = event.size;
        Draw(event.model);
        break;
      }
      case FetchEvent::Kind::kFileEnd: {
        auto& [done, size] = sizes_[event.model + "/" + event.file];
        done_ += size - done;
        done = size;
        break;
      }
      case FetchEvent::Kind::kNote:
        if (bar_ != nullptr) bar_->Clear();
        PrintError(event.model + ": " + event.text);
        break;
      default:
        break;
    }
  }
  void Finish() { bar_.reset(); }

 private:
  // The total grows as models begin, so the bar is made anew when it has.
  void Draw(const std::string& model) {
    if (bar_ == nullptr || drawn_total_ != total_) {
      bar_ = std::make_unique<ProgressBar>("pull " + model, total_, ProgressUnit::kBytes);
      drawn_total_ = total_;
    }
    bar_->Update(done_);
  }

  std::map<std::string, std::pair<std::int64_t, std::int64_t>> sizes_;
  std::int64_t total_ = 0;
  std::int64_t drawn_total_ = -1;
  std::int64_t done_ = 0;
  std::unique_ptr<ProgressBar> bar_;
};

// Asks on the terminal; only "yes" is a yes.
bool AskLicence(const Asset& asset) {
  std::fprintf(stderr, "%s: licence (%s): %s\n", asset.name.c_str(),
               std::string(TermsName(asset.terms)).c_str(), OneLine(asset.licence).c_str());
  if (!asset.licence_url.empty()) {
    std::fprintf(stderr, "  %s\n", OneLine(asset.licence_url).c_str());
  }
  std::fprintf(stderr, "Accept? [yes/no] ");
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

Json ResultsAsJson(const std::vector<PullResult>& results) {
  Json list = Json::array();
  for (const PullResult& result : results) {
    Json one = {{"name", result.asset->name}, {"successful", result.status.has_value()}};
    if (result.status) {
      one["folder"] = result.folder;
    } else {
      one["error"] = {{"code", ErrorCodeName(result.status.error().code)},
                      {"message", result.status.error().message}};
    }
    list.push_back(std::move(one));
  }
  return list;
}

// One model that failed is an error of its kind; some of several are a part that was not done.
Result<int> Report(const std::vector<PullResult>& results, const Options& options,
                   const Common& common) {
  std::vector<std::string> failed;
  for (const PullResult& result : results) {
    if (!result.status) failed.push_back(result.asset->name);
  }
  const bool lines = options.progress_format == "json";
  if (common.json) {
    PrintJson(ResultsAsJson(results));
  } else if (!lines) {
    for (const PullResult& result : results) {
      if (result.status) fmt::print("{}\t{}\n", result.asset->name, OneLine(result.folder));
    }
  }
  for (const PullResult& result : results) {
    if (!result.status) PrintError(result.status.error().message);
  }
  if (common.Cancelled()) return ExitCodeOf(ErrorCode::kCancelled);
  if (failed.empty()) return kExitOk;
  PrintError(fmt::format("FAILED: {}", fmt::join(failed, " ")));
  return kExitIncomplete;
}

Result<int> RunZooPull(const Options& options, const Common& common) {
  const Registry registry = OpenRegistry(options.selection);
  VISAVIS_ASSIGN_OR_RETURN(const auto chosen,
                           Choose(registry, options.selection, /*default_all=*/false));
  if (!chosen) return kExitOk;
  std::vector<const Asset*> assets;
  for (const Asset* asset : *chosen) {
    if (asset->stages.empty()) assets.push_back(asset);  // stages are among the chosen
  }
  FetchOptions fetch = options.fetch;
  fetch.cache_dir = options.selection.cache_dir;
  fetch.registry = &registry;
  fetch.cancel = common.cancel;
  fetch.show_licence = [](const Asset& asset) {
    PrintError(fmt::format("model {}: licence: {}", asset.name, asset.licence));
  };
  if (::isatty(STDIN_FILENO) != 0 && ::isatty(STDERR_FILENO) != 0) fetch.ask_licence = AskLicence;
  TextProgress text;
  if (options.progress_format == "json") {
    fetch.on_event = PrintEventAsJson;
  } else {
    fetch.on_event = [&text](const FetchEvent& event) { text(event); };
  }
  const std::vector<PullResult> results =
      PullAssets(assets, options.output, options.jobs, std::move(fetch));
  text.Finish();
  return Report(results, options, common);
}

}  // namespace

void AddZooPull(CommandLine& line) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      line.AddTo("zoo",
                 {"pull",
                  "Get models into the cache, checked by size and checksum",
                  {"visavis zoo pull mtcnn mobilefacenet-arcface",
                   "visavis zoo pull --accept-license buffalo_s",
                   "visavis zoo pull --all --jobs 4 -o models"}},
                 [options](const Common& common) { return RunZooPull(*options, common); });
  AddZooSelectionOptions(*command, options->selection);
  FetchOptions& fetch = options->fetch;
  command
      ->add_option("-o,--output,--output_dir", options->output,
                   "Copy the files to DIR/MODEL as well (Open Model Zoo's: DIR/public/MODEL)")
      ->option_text("DIR");
  command->add_option("-j,--jobs", options->jobs, "Models at a time")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--num-attempts,--num_attempts", fetch.attempts, "Attempts per URL")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_option("--retry-delay", fetch.retry_delay_ms, "Milliseconds between attempts")
      ->check(CLI::Range(0, 600'000))
      ->capture_default_str();
  command
      ->add_option("--timeout", fetch.timeout_s,
                   "Give up on a server that sends less than --min-rate for so many seconds")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  command->add_option("--min-rate", fetch.min_bytes_per_s, "Bytes per second, for --timeout")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  command
      ->add_option("--max-time", fetch.max_time_s,
                   "Seconds for one file from one URL, attempts included; 0 = no bound")
      ->check(CLI::Range(0, 1'000'000))
      ->capture_default_str();
  command->add_flag("--accept-license,--accept-licence", fetch.accept_licence,
                    "Accept the licences of these models; the acceptance is recorded");
  command->add_flag("--allow-unverified", fetch.allow_unverified,
                    "Also get files without a known checksum, and record the one they have");
  command
      ->add_option("--progress-format,--progress_format", options->progress_format,
                   "text, or json: Open Model Zoo's lines of JSON on standard output")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
}

}  // namespace visavis::cli
