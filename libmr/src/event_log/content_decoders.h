// What decode_content() is made of: each takes the data of one kind of event apart. None fails: bytes that are not what they should be are said to be
// malformed and given as they are.
#pragma once

#include <cstdint>

#include "libmr/src/event_log/printable.h"
#include "mr/bytes.h"
#include "mr/event_content.h"

namespace mr::event_log {

// tagged_content.cpp
void write_tagged_events(ContentWriter &out, ByteView data, bool in_realms_log);
void write_bound_envelope(ContentWriter &out, const BoundEnvelope &envelope);
// no_action.cpp
void write_no_action(ContentWriter &out, ByteView data);
// efi_content.cpp
void write_efi_variable(ContentWriter &out, ByteView data);
void write_image_load(ContentWriter &out, ByteView data);
void write_partition_table(ContentWriter &out, ByteView data);
void write_firmware_blob(ContentWriter &out, ByteView data);   // base and length
void write_described_blob(ContentWriter &out, ByteView data);  // with a description before
void write_tables(ContentWriter &out, ByteView data);          // EV_EFI_HANDOFF_TABLES
void write_described_tables(ContentWriter &out, ByteView data);
// Is it what write_described_blob() takes?
bool is_described_blob(ByteView data);

// For data that cannot be read.
void write_malformed(ContentWriter &out, std::string_view what, ByteView data);

}  // namespace mr::event_log
