#pragma once
/// The limits and counters of a <container> (TS-0001 9.6.6, 10.2.4; TS-0004 7.4.6, 7.4.7).
#include "core.h"

namespace latchkey::cse {

/// contentSize: octets of a textual content, of the serialization of any other.
[[nodiscard]] std::uint64_t content_size(const json::value& content);

/// Whether an instance of `size` octets can be stored at all: 5207 when it exceeds mbs, or mni is 0.
[[nodiscard]] Outcome<void> check_fit(const Resource& container, std::uint64_t size);

/// Evicts the oldest instances until one more of `size` octets fits (0 and false: until the limits hold), and
/// counts it. No events: TS-0004 tells nobody about evicted instances.
void make_room(Core& core, Resource& container, std::uint64_t size, bool one_more, std::uint64_t sequence,
               store::Batch& batch);

/// After an instance of `size` octets was deleted.
void count_removal(Core& core, Resource& container, std::uint64_t size, std::uint64_t sequence);

}  // namespace latchkey::cse
