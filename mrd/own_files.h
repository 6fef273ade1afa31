// What mrd keeps on the disk is its own: nobody but root and its own user can change it, put something else in its place, or lead mrd elsewhere.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>

namespace mrd {

// What others may write to in a folder that is used: nothing, or, as in /tmp, files of their own.
enum class Others : std::uint8_t { write_nothing, write_their_own };

// Makes the folder if it is not there, with this mode from the start, whatever the umask is; its parents that are not there with mode 0755. Checks every
// folder and every symbolic link of the path, from / on: each is of root or of mrd's user, and no other may write to a folder, unless it is sticky, as
// /tmp is: there nobody can replace what is not his. A link is thus followed only where nobody else could have put it. Error: names what is wrong, and
// says what to do.
std::expected<void, std::string> make_own_folder(const std::filesystem::path &folder, mode_t mode, Others others);

// mrd's user is going to be this one: what is his counts as mrd's own. Before there is a second thread.
void expect_user(uid_t user);

// Gives the folder, and the files in it, to that user, where they are root's. Anything else in it than files of root's or his is refused: nobody gets by it what is
// not mrd's. Error: as above.
std::expected<void, std::string> give_folder(const std::filesystem::path &folder, uid_t user, gid_t group);

enum class Content : std::uint8_t { open, secret };

// A file in such a folder, where there is one: regular, no symbolic link, of root or of mrd's user, and writable for no other; a secret is not readable
// either. Before it is opened, with O_NOFOLLOW: nobody else can exchange it between. Error: as above.
std::expected<void, std::string> check_own_file(const std::filesystem::path &file, Content content);

// A file that others make for mrd, and that decides what it does: its configuration, a log that the configuration names. It, and each folder and link of the path, is of
// root or of mrd's user, and no other may write to it, as make_own_folder() has it; links are followed. It need be no regular file. What is not there, or cannot be
// looked at, is left to who reads it. Error: as above.
std::expected<void, std::string> check_trusted_file(const std::filesystem::path &file);

}  // namespace mrd
