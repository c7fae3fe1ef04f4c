#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

// A fuzz target over its corpus, without a fuzzer: every finding stays found, with every
// compiler.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace utf = boost::unit_test;

namespace troupe {

namespace {

struct corpus_fixture {
  std::vector<std::string> files;

  corpus_fixture() {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator{TROUPE_CORPUS}) {
      paths.push_back(entry.path());
    }
    // The order of a directory is not the same everywhere; the mutations below shall be.
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      std::ifstream file{path, std::ios::binary};
      files.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
    }
  }

  void run(const std::string& bytes) {
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    BOOST_REQUIRE_EQUAL(LLVMFuzzerTestOneInput(data, bytes.size()), 0);
  }
};

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

BOOST_FIXTURE_TEST_CASE(the_corpus_breaks_no_promise, corpus_fixture) {
  BOOST_TEST(files.size() >= 20U);
  for (const std::string& file : files) {
    run(file);
  }
  run("");
}

BOOST_FIXTURE_TEST_CASE(no_mutation_of_the_corpus_breaks_a_promise, corpus_fixture) {
  std::mt19937_64 random{20261123};
  for (int i = 0; i < 20'000; ++i) {
    const std::string& one = files[random() % files.size()];
    const std::string& other = files[random() % files.size()];
    run(mutated(one, other, random));
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace troupe
