#include "tests/fuzz/target.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

// The fuzz targets over their corpora, without a fuzzer: every finding stays found, with every
// compiler.

namespace utf = boost::unit_test;

namespace troupe::fuzz {

namespace {

std::vector<std::string> corpus_of(const target& which) {
  std::vector<std::filesystem::path> paths;
  const auto folder = std::filesystem::path{TROUPE_CORPORA} / which.name();
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    paths.push_back(entry.path());
  }
  // The order of a directory is not the same everywhere; the mutations below shall be.
  std::ranges::sort(paths);
  std::vector<std::string> files;
  for (const auto& path : paths) {
    std::ifstream file{path, std::ios::binary};
    files.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
  }
  return files;
}

/// `bytes` with a few of them changed, moved, cut or mixed with `other`.
std::string mutated(std::string bytes, const std::string& other, std::mt19937_64& random) {
  for (int changes = 0; changes < 3; ++changes) {
    const std::size_t at = random() % (bytes.size() + 1);
    switch (random() % 5) {
    case 0:
      bytes.insert(at, 1, static_cast<char>(random()));
      break;
    case 1:
      bytes.resize(at);
      break;
    case 2:
      bytes.replace(at, bytes.size() - at, other, std::min(at, other.size()), 64);
      break;
    case 3:
      bytes.insert(at, bytes, 0, std::min<std::size_t>(at, 16));
      break;
    default:
      if (at < bytes.size()) {
        bytes[at] = static_cast<char>(random());
      }
    }
  }
  return bytes;
}

} // namespace

BOOST_AUTO_TEST_SUITE(fuzz_corpus, *utf::label("unit") * utf::timeout(120))

BOOST_AUTO_TEST_CASE(the_corpora_break_no_promise) {
  BOOST_TEST(target::all().size() >= 11U);
  for (const target* each : target::all()) {
    const auto files = corpus_of(*each);
    BOOST_TEST(!files.empty());
    for (std::size_t i = 0; i < files.size(); ++i) {
      BOOST_TEST_CHECKPOINT(each->name() << ", file " << i);
      each->run(files[i]);
    }
    each->run("");
  }
}

BOOST_AUTO_TEST_CASE(no_mutation_of_the_corpora_breaks_a_promise) {
  for (const target* each : target::all()) {
    const auto files = corpus_of(*each);
    std::mt19937_64 random{20261123};
    for (int i = 0; i < 5'000; ++i) {
      const std::string& one = files[random() % files.size()];
      const std::string& other = files[random() % files.size()];
      BOOST_TEST_CHECKPOINT(each->name() << ", mutation " << i);
      each->run(mutated(one, other, random));
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe::fuzz
