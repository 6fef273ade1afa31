// mrctl collateral assemble: one file out of what Intel's service or a cache of it answered. Needs no mrd.
#include "mr/collateral.h"

#include "mr/quote.h"
#include "mrctl/binary_file.h"
#include "mrctl/commands.h"
#include "mrctl/file_kind.h"
#include "mrctl/output.h"

namespace mrctl {

int assemble_collateral(const AssembleCommand &command) {
    mr::Bytes quote;
    if (command.quote) {
        auto file = read_binary_file(*command.quote, mr::max_quote_size);
        if (!file) return fail(file.error());
        quote = std::move(*file);
        if (const auto td = mr::decode_quote(quote); !td) return fail(wrong_file(*command.quote, quote, td.error(), "a TD quote"));
    }
    std::vector<mr::Bytes> contents;
    contents.reserve(command.files.size());
    for (const auto &name : command.files) {
        auto file = read_file(name, mr::max_collateral_size);
        if (!file) return fail(file.error());
        contents.push_back(std::move(*file));
    }
    std::vector<mr::CollateralFile> files;
    files.reserve(contents.size());
    for (std::size_t i = 0; i < contents.size(); ++i) files.push_back({command.files[i], contents[i]});
    const auto collateral = mr::assemble_collateral(files, quote);
    if (!collateral) return fail(collateral.error());
    const auto written = write_file(command.output, mr::as_bytes(mr::write_collateral(*collateral)));
    return written ? exit_done : fail(written.error());
}

}  // namespace mrctl
