// The bits of TDX and SGX by their names, those of the specifications in lower case.
#include <array>

#include "mr/quote.h"

namespace mr {
namespace {

// Intel TDX Module ABI Specification, "ATTRIBUTES". Bits 0 to 7 are the group "TD under debug".
constexpr std::array td_attribute_names = {
    NamedBit{0, "debug"}, NamedBit{4, "hgs_plus_prof"},    NamedBit{5, "perf_prof"},   NamedBit{6, "pmt_prof"}, NamedBit{16, "icssd"},
    NamedBit{27, "lass"}, NamedBit{28, "sept_ve_disable"}, NamedBit{29, "migratable"}, NamedBit{30, "pks"},     NamedBit{31, "kl"},
    NamedBit{62, "tpa"},  NamedBit{63, "perfmon"}};

// Intel SDM, volume 1, "XSAVE-Supported Features": the components of XCR0 and IA32_XSS.
constexpr std::array xsave_component_names = {
    NamedBit{0, "x87"},    NamedBit{1, "sse"},       NamedBit{2, "avx"},      NamedBit{3, "bndregs"},   NamedBit{4, "bndcsr"},
    NamedBit{5, "opmask"}, NamedBit{6, "zmm_hi256"}, NamedBit{7, "hi16_zmm"}, NamedBit{8, "pt"},        NamedBit{9, "pkru"},
    NamedBit{10, "pasid"}, NamedBit{11, "cet_u"},    NamedBit{12, "cet_s"},   NamedBit{13, "hdc"},      NamedBit{14, "uintr"},
    NamedBit{15, "lbr"},   NamedBit{16, "hwp"},      NamedBit{17, "tilecfg"}, NamedBit{18, "tiledata"}, NamedBit{19, "apx"}};

// Intel SDM, volume 3D, "ATTRIBUTES".
constexpr std::array sgx_attribute_names = {NamedBit{0, "init"},         NamedBit{1, "debug"},         NamedBit{2, "mode64bit"},
                                            NamedBit{4, "provisionkey"}, NamedBit{5, "einittokenkey"}, NamedBit{6, "cet"},
                                            NamedBit{7, "kss"},          NamedBit{10, "aexnotify"}};

}  // namespace

std::span<const NamedBit> td_attribute_bits() { return td_attribute_names; }
std::span<const NamedBit> xfam_bits() { return xsave_component_names; }
std::span<const NamedBit> sgx_attribute_bits() { return sgx_attribute_names; }

}  // namespace mr
