#include "mrd/interfaces/asked_rights.h"

#include <algorithm>
#include <string_view>

#include "libmr/wire/attestation.h"
#include "libmr/wire/devices.h"
#include "libmr/wire/event_log.h"
#include "libmr/wire/registers.h"
#include "libmr/wire/right.h"
#include "libmr/wire/service.h"
#include "mrd/interfaces/names.h"

namespace mrd {

namespace {

class AskedRights {
public:
    explicit AskedRights(const std::vector<std::string> &interfaces) : interfaces_(interfaces) {}

    template <class... Methods>
    AskedRights &of(mr::wire::MethodList<Methods...> /*all*/) {
        (add<Methods>(), ...);
        return *this;
    }
    [[nodiscard]] const Rights &rights() const { return rights_; }

private:
    template <class Method>
    void add() {
        const auto name = Method::description.interface();
        if (!interfaces_.empty() && std::ranges::find(interfaces_, name) == interfaces_.end()) return;
        add(Method::description.operation);
        if constexpr (requires { Method::in_parts; }) {
            for (const auto part : Method::in_parts) add(part);
        }
    }
    void add(mr::wire::Operation operation) {
        if (const auto right = mr::wire::right_for(operation)) rights_.add(*right);
        switch (operation) {
        case mr::wire::Operation::read:
        case mr::wire::Operation::watch:
        case mr::wire::Operation::write: return rights_.add(Right::report);   // of what a report is over
        case mr::wire::Operation::access: return rights_.add(Right::repair);  // of other users
        case mr::wire::Operation::log_read: rights_.add(Right::log_contents); return rights_.add(Right::evidence);
        case mr::wire::Operation::list:
        case mr::wire::Operation::extend:
        case mr::wire::Operation::measure:
        case mr::wire::Operation::cap:
        case mr::wire::Operation::create:
        case mr::wire::Operation::close:
        case mr::wire::Operation::status:
        case mr::wire::Operation::report:
        case mr::wire::Operation::verify_report:
        case mr::wire::Operation::quote:
        case mr::wire::Operation::evidence:
        case mr::wire::Operation::collateral:
        case mr::wire::Operation::repair:
        case mr::wire::Operation::accept: return;
        }
    }

    const std::vector<std::string> &interfaces_;
    Rights rights_;
};

}  // namespace

Rights asked_rights(const std::vector<std::string> &interfaces) {
    static_assert(interface_names.size() == 5, "add the methods of a new interface");
    return AskedRights(interfaces)
        .of(mr::wire::RegistersMethods())
        .of(mr::wire::EventLogMethods())
        .of(mr::wire::attestation::AttestationMethods())
        .of(mr::wire::devices::DevicesMethods())
        .of(mr::wire::service::ServiceMethods())
        .rights();
}

}  // namespace mrd
