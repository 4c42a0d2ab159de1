#include "admin_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace capstan::api {

namespace {

Error not_written(const std::string& path, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return {is_full ? ErrorCode::disk_full : ErrorCode::directory_not_writable,
          fmt::format("writing {}: {}", path, std::strerror(error))};
}

Result<> write_whole(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return not_written(path, errno);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<Secret> make_token() {
  std::array<unsigned char, 32> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return Error(ErrorCode::internal, fmt::format("making a token: getrandom: {}", std::strerror(errno)));
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return Secret(std::move(text));
}

Result<WrittenAdminFile> WrittenAdminFile::write(const std::string& data_dir, const std::string& address,
                                                 const Secret& token) {
  const std::string path = data_dir + "/admin.json";
  const std::string fresh = path + ".new";
  ::unlink(fresh.c_str());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0) return not_written(fresh, errno);
  const std::string text = boost::json::serialize(boost::json::object{
      {"address", address}, {"token", token.reveal()}, {"process_id", static_cast<std::int64_t>(::getpid())}});
  auto written = write_whole(fd, text + "\n", fresh);
  ::close(fd);
  if (written && ::rename(fresh.c_str(), path.c_str()) != 0) written = not_written(path, errno);
  if (!written) {
    ::unlink(fresh.c_str());
    return written.error();
  }
  return WrittenAdminFile(path);
}

WrittenAdminFile::~WrittenAdminFile() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace capstan::api
