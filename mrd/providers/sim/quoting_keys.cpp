#include "mrd/providers/sim/quoting_keys.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>   // renameat2
#include <cstdlib>  // mkostemp
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "mrd/crc32c.h"
#include "mrd/own_files.h"

namespace mrd::sim {
namespace {

constexpr std::string_view first_words = "mrd simulated quoting keys ";
constexpr std::string_view keys_format = "1 ";

struct BioFree {
    void operator()(BIO *bio) const noexcept { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

std::string checksum_of(std::string_view body) {
    const std::uint32_t checksum = crc32c(mr::as_bytes(body));
    std::array<std::uint8_t, 4> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>(checksum >> (24 - 8 * i));
    }
    return mr::to_hex(bytes);
}

std::string to_pem(const Key &key) {
    const Bio out(BIO_new(BIO_s_mem()));
    if (out == nullptr || PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        throw std::runtime_error("OpenSSL refused to write a key as PEM");
    }
    char *text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

std::string to_text(const Pki &pki) {
    std::string body;
    for (const CertifiedKey *one : {&pki.root, &pki.platform_ca, &pki.pck, &pki.tcb_signing}) {
        body += to_pem(one->certificate) + to_pem(one->key);
    }
    body += to_pem(pki.attestation_key);
    return std::string(first_words) + std::string(keys_format) + checksum_of(body) + "\n" + body;
}

// A reason why not, to be put after the file's name.
std::expected<Pki, std::string> from_text(std::string_view text) {
    if (!text.starts_with(first_words)) {
        return std::unexpected("is not the file of the simulator's quoting keys");
    }
    text.remove_prefix(first_words.size());
    if (!text.starts_with(keys_format)) {
        return std::unexpected("has another format than this mrd writes");
    }
    text.remove_prefix(keys_format.size());
    const std::size_t line_end = text.find('\n');
    if (line_end == std::string_view::npos || text.substr(0, line_end) != checksum_of(text.substr(line_end + 1))) {
        return std::unexpected("is damaged");
    }
    const std::string_view body = text.substr(line_end + 1);

    const Bio in(BIO_new_mem_buf(body.data(), static_cast<int>(body.size())));
    bool complete = in != nullptr;
    const auto next_key = [&] {
        Key key(complete ? PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr) : nullptr);
        complete = complete && key != nullptr;
        return key;
    };
    const auto next_certified_key = [&] {
        CertifiedKey next;
        next.certificate.reset(complete ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr);
        complete = complete && next.certificate != nullptr;
        next.key = next_key();
        return next;
    };
    Pki pki;
    pki.root = next_certified_key();
    pki.platform_ca = next_certified_key();
    pki.pck = next_certified_key();
    pki.tcb_signing = next_certified_key();
    pki.attestation_key = next_key();
    if (!complete) {
        ERR_clear_error();
        return std::unexpected("is damaged");
    }
    return pki;
}

// Nothing where there is no such file.
std::expected<std::optional<std::string>, int> read_file(const std::string &path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) {
        return errno == ENOENT ? std::expected<std::optional<std::string>, int>(std::nullopt) : std::unexpected(errno);
    }
    std::string text(max_quoting_keys_size + 1, '\0');
    std::size_t size = 0;
    ssize_t count = 0;
    do {
        count = ::read(descriptor, text.data() + size, text.size() - size);
        size += count > 0 ? static_cast<std::size_t>(count) : 0;
    } while (count > 0 || (count < 0 && errno == EINTR));
    const int error = errno;
    ::close(descriptor);
    if (count < 0) {
        return std::unexpected(error);
    }
    text.resize(size);
    return text;
}

// Gives the path this content, whole or not at all, unless something is there already. Error: an errno.
std::expected<void, int> put_new_keys(const std::string &path, std::string_view text) {
    std::string temporary = path + ".XXXXXX";
    const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);  // its mode is 0600
    if (descriptor < 0) {
        return std::unexpected(errno);
    }
    const ssize_t size = ::write(descriptor, text.data(), text.size());
    int error = size < 0 ? errno : size != static_cast<ssize_t>(text.size()) ? ENOSPC : 0;
    // On the disk before it has its name: a power failure must not leave the name without the keys.
    if (error == 0 && ::fsync(descriptor) != 0) {
        error = errno;
    }
    ::close(descriptor);
    if (error == 0 && ::renameat2(AT_FDCWD, temporary.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
        error = errno;
    }
    if (error == 0) {
        return {};
    }
    ::unlink(temporary.c_str());
    if (error == EEXIST) {
        return {};
    }
    return std::unexpected(error);
}

}  // namespace

std::expected<Pki, std::string> open_quoting_keys(const std::filesystem::path &file) {
    const std::string &path = file.native();
    const auto failed = [&](const char *what, int error) {
        return std::unexpected(path + ": cannot " + what + " the simulator's quoting keys (" + std::generic_category().message(error) +
                               "): mrd needs read and write access to this directory");
    };
    if (auto own = check_own_file(file, Content::secret); !own) {
        return std::unexpected(own.error());
    }
    auto text = read_file(path);
    if (text && !*text) {
        const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        if (auto put = put_new_keys(path, to_text(make_pki(now))); !put) {
            return failed("write", put.error());
        }
        // Ours, or what another process put there first.
        text = read_file(path);
    }
    if (!text) {
        return failed("read", text.error());
    }
    auto pki = from_text(text->value_or(std::string()));
    if (!pki) {
        return std::unexpected(path + " " + pki.error() + ": use --reset to start a new simulated TD, with new quoting keys");
    }
    return pki;
}

}  // namespace mrd::sim
