#pragma once

#include "runtime/security/key_file.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <sys/stat.h>

namespace troupe::security {

/// A folder of keys of its own, removed at the end.
struct key_folder {
  key_folder() {
    std::string made = (std::filesystem::temp_directory_path() / "keys.XXXXXX").string();
    BOOST_REQUIRE(::mkdtemp(made.data()) != nullptr);
    path = made;
  }

  ~key_folder() { std::filesystem::remove_all(path); }

  key_folder(const key_folder&) = delete;
  key_folder& operator=(const key_folder&) = delete;

  std::string file(const std::string& name) const { return path + "/" + name; }

  std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    std::ofstream{file(name)} << text;
    BOOST_REQUIRE(::chmod(file(name).c_str(), mode) == 0);
    return file(name);
  }

  /// Writes a new pair of `owner`, and gives it.
  transport::curve_pair make(const std::string& owner) const {
    const transport::curve_pair pair = transport::make_curve_pair();
    BOOST_REQUIRE(write_secret_key(secret_file_of(path, owner), owner, pair.secret_key));
    BOOST_REQUIRE(write_public_keys(public_file_of(path, owner), owner, {pair.public_key}));
    return pair;
  }

  std::string path;
};

} // namespace troupe::security
