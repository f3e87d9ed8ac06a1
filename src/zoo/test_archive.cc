#include "zoo/test_archive.h"

#include <archive.h>
#include <archive_entry.h>

#include "base/check.h"

namespace visavis {

void WriteTestArchive(const std::string& path, const std::string& format,
                      const std::vector<TestEntry>& entries) {
  archive* out = archive_write_new();
  VISAVIS_CHECK((format == "zip" ? archive_write_set_format_zip(out)
                                 : archive_write_set_format_pax_restricted(out)) == ARCHIVE_OK);
  if (format == "tar.gz") archive_write_add_filter_gzip(out);
  if (format == "tar.bz2") archive_write_add_filter_bzip2(out);
  if (format == "tar.xz") archive_write_add_filter_xz(out);
  VISAVIS_CHECK(archive_write_open_filename(out, path.c_str()) == ARCHIVE_OK);
  for (const TestEntry& entry : entries) {
    archive_entry* header = archive_entry_new();
    archive_entry_set_pathname(header, entry.path.c_str());
    archive_entry_set_perm(header, entry.is_folder ? 0755 : 0644);
    archive_entry_set_filetype(header, entry.is_folder         ? AE_IFDIR
                                       : entry.is_device       ? AE_IFCHR
                                       : entry.symlink.empty() ? AE_IFREG
                                                               : AE_IFLNK);
    if (!entry.symlink.empty()) archive_entry_set_symlink(header, entry.symlink.c_str());
    if (!entry.hardlink.empty()) archive_entry_set_hardlink(header, entry.hardlink.c_str());
    archive_entry_set_size(header, static_cast<la_int64_t>(entry.body.size()));
    VISAVIS_CHECK(archive_write_header(out, header) >= ARCHIVE_WARN);
    if (!entry.body.empty()) archive_write_data(out, entry.body.data(), entry.body.size());
    archive_entry_free(header);
  }
  archive_write_close(out);
  archive_write_free(out);
}

}  // namespace visavis
