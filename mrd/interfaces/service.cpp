#include "mrd/interfaces/service.h"

#include <memory>
#include <utility>

#include "libmr/wire/service.h"
#include "mrd/interfaces/methods.h"
#include "mrd/log.h"
#include "proto/interfaces.h"

namespace mrd {

namespace wire = mr::wire;
using varlink::InvalidParameter;

namespace {

class ServiceHandlers {
public:
    explicit ServiceHandlers(std::function<std::string()> metrics) : metrics_(std::move(metrics)) {}

    void operator()(wire::service::Metrics, const Caller &, const varlink::NoParameters &, Answer<wire::service::Metrics> answer) {
        const auto text = metrics_();
        answer.reply({text});
    }
    void operator()(wire::service::LogLevel, const Caller &caller, const wire::service::LogLevelParameters &parameters,
                    Answer<wire::service::LogLevel> answer) {
        if (parameters.level && !log::change_level(*parameters.level, "uid " + std::to_string(caller.uid())))
            return answer.fail(InvalidParameter{"level"});
        answer.reply({log::level()});
    }

private:
    std::function<std::string()> metrics_;
};

}  // namespace

varlink::Interface service_interface(Daemon &daemon, std::function<std::string()> metrics) {
    return make_interface<interfaces::io_mrd_Service>(wire::service::ServiceMethods(), daemon.gate(),
                                                      std::make_shared<ServiceHandlers>(std::move(metrics)));
}

}  // namespace mrd
