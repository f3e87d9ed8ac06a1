#include "zoo/archive_api.h"

#include "base/error.h"
#include "zoo/shared_library.h"

namespace visavis {
namespace {

Result<ArchiveApi> Open() {
  const SharedLibrary library({"libarchive.so.13"});
  ArchiveApi api;
  if (!library.Bind("archive_read_new", api.read_new) ||
      !library.Bind("archive_read_free", api.read_free) ||
      !library.Bind("archive_read_support_format_zip", api.support_zip) ||
      !library.Bind("archive_read_support_format_tar", api.support_tar) ||
      !library.Bind("archive_read_support_filter_gzip", api.support_gzip) ||
      !library.Bind("archive_read_support_filter_bzip2", api.support_bzip2) ||
      !library.Bind("archive_read_support_filter_xz", api.support_xz) ||
      !library.Bind("archive_read_open_filename", api.open_filename) ||
      !library.Bind("archive_read_next_header", api.next_header) ||
      !library.Bind("archive_read_data", api.read_data) ||
      !library.Bind("archive_error_string", api.error_string) ||
      !library.Bind("archive_entry_pathname", api.pathname) ||
      !library.Bind("archive_entry_pathname_utf8", api.pathname_utf8) ||
      !library.Bind("archive_entry_filetype", api.filetype) ||
      !library.Bind("archive_entry_hardlink", api.hardlink) ||
      !library.Bind("archive_entry_size", api.size) ||
      !library.Bind("archive_entry_size_is_set", api.size_is_set) ||
      !library.Bind("archive_entry_is_encrypted", api.is_encrypted)) {
    return MakeError(ErrorCode::kUnsupported,
                     "archives need libarchive.so.13 (Debian package libarchive13)");
  }
  return api;
}

}  // namespace

const Result<ArchiveApi>& ArchiveApi::Get() {
  static const Result<ArchiveApi> api = Open();
  return api;
}

}  // namespace visavis
