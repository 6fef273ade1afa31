#include "mrd/quoting_service/answer.h"

#include <string>
#include <string_view>
#include <variant>

#include "mrd/access/audit.h"
#include "mrd/log.h"

namespace mrd::quoting_service {
namespace {

// As many of all clients together as mrd tells of what one changes: nobody fills the log by asking.
void tell(std::string_view what, std::string_view reason) {
    static AuditShares shares;
    if (const auto untold = shares.take(0, AuditShares::TimePoint::clock::now()))
        log::warning(what, {{"reason", reason}, {"untold", std::to_string(*untold)}});
}

constexpr std::string_view not_quoted = "a TDREPORT is not quoted";

struct AnswerTo {
    Platform &platform;

    mr::Bytes operator()(const qgs::QuoteRequest &request) const {
        const auto quote = platform.quote(request.report);
        if (quote) return qgs::quote_answer(*quote);
        tell(not_quoted, quote.error());
        return qgs::error_answer(qgs::RequestType::quote);
    }
    mr::Bytes operator()(const qgs::CollateralRequest &request) const {
        const auto collateral = platform.collateral(request.fmspc, request.pck_ca);
        if (collateral) return qgs::collateral_answer(*collateral, request.minor);
        tell("there is no such collateral", collateral.error());
        return qgs::error_answer(qgs::RequestType::collateral);
    }
    mr::Bytes operator()(const qgs::PlatformRequest & /*none*/) const { return qgs::platform_answer(platform.description()); }
    mr::Bytes operator()(const qgs::BareRequest &request) const {
        auto quote = platform.quote(request.report);
        if (quote) return std::move(*quote);
        tell(not_quoted, quote.error());
        return {};
    }
    mr::Bytes operator()(const qgs::WrongRequest &request) const {
        tell("a request is wrong", request.reason);
        return qgs::error_answer(request.type);
    }
};

}  // namespace

std::optional<mr::Bytes> answer(Platform &platform, mr::ByteView received) {
    const auto request = qgs::read_request(received);
    if (!request) {
        tell("what was sent is no request", request.error());
        return mr::Bytes();
    }
    if (!*request) return std::nullopt;
    return std::visit(AnswerTo{platform}, **request);
}

}  // namespace mrd::quoting_service
