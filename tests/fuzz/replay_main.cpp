// Runs a fuzz target without libFuzzer: every file of the corpus, then mutations of them from a seed. A crash, a failed check or a
// sanitizer report ends the program; otherwise the target is content.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<Bytes> read_corpus(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> paths;
    if (std::filesystem::is_directory(folder)) {
        for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<Bytes> inputs;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return inputs;
}

/// One to eight small changes: a byte, a bit, a cut, a repetition.
Bytes mutate(Bytes input, std::mt19937_64& random) {
    const auto changes = 1 + random() % 8;
    for (std::uint64_t change = 0; change < changes; ++change) {
        const std::size_t at = input.empty() ? 0 : random() % input.size();
        const auto where = input.begin() + static_cast<std::ptrdiff_t>(at);
        switch (random() % 5) {
            case 0: input.insert(where, static_cast<std::uint8_t>(random())); break;
            case 1:
                if (!input.empty()) input[at] = static_cast<std::uint8_t>(random());
                break;
            case 2:
                if (!input.empty()) input[at] = static_cast<std::uint8_t>(input[at] ^ (1U << (random() % 8)));
                break;
            case 3: input.resize(at); break;
            default:
                if (input.size() < 65536) {
                    const Bytes tail(where, input.end());
                    input.insert(input.end(), tail.begin(), tail.end());
                }
        }
    }
    return input;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "Usage: " << argv[0] << " CORPUS-FOLDER\n"
                  << "GIROMQ_TEST_SEED sets the seed of the mutations, GIROMQ_TEST_LONG=1 makes a hundred times as many.\n";
        return 2;
    }
    const std::vector<Bytes> inputs = read_corpus(argv[1]);
    if (inputs.empty()) {
        std::cerr << argv[1] << " holds no seeds\n";
        return 1;
    }
    for (const Bytes& input : inputs) LLVMFuzzerTestOneInput(input.data(), input.size());

    const char* const seed_text = std::getenv("GIROMQ_TEST_SEED");
    const std::uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : 1;
    const std::uint64_t rounds = std::getenv("GIROMQ_TEST_LONG") != nullptr ? 200000 : 2000;
    std::cout << "seed " << seed << std::endl;  // flushed: it must be seen if the target crashes
    std::mt19937_64 random(seed);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        const Bytes input = mutate(inputs[random() % inputs.size()], random);
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::cout << inputs.size() << " seeds and " << rounds << " mutations\n";
    return 0;
}
