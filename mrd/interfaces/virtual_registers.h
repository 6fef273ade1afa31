// The methods of io.mrd.Registers, where they are about virtual registers: parse, validate, act, reply, as mrd/interfaces/registers.cpp does it for the others.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libmr/wire/registers.h"
#include "mrd/access/access.h"
#include "mrd/access/caller.h"
#include "mrd/daemon/daemon.h"
#include "mrd/interfaces/methods.h"

namespace mrd {

// Those that the caller may list are added. True: he knows that there are virtual registers.
bool list_virtual(Daemon &daemon, const Caller &caller, std::vector<mr::wire::Register> &to);

void create_virtual(Daemon &daemon, const Caller &caller, const mr::wire::CreateParameters &parameters, Answer<mr::wire::Create> answer);
void close_virtual(Daemon &daemon, const Caller &caller, const mr::wire::CloseParameters &parameters, Answer<mr::wire::Close> answer);

// Each of them for names with VirtualRegisters::has_name_of_one().
void read_virtual(Daemon &daemon, const Caller &caller, const mr::wire::ReadParameters &parameters, Answer<mr::wire::Read> answer);
void measure_virtual(Daemon &daemon, const Caller &caller, const mr::wire::MeasureParameters &parameters, Answer<mr::wire::Measure> answer);
// What its flags refuse: there is one, and it takes no bare digest, no write and no cap; or there is none.
RegisterError refused_for_virtual(const Daemon &daemon, std::string_view name, const RegisterError &refusal);

}  // namespace mrd
