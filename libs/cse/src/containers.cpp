#include "containers.h"

#include <boost/json/serialize.hpp>

namespace latchkey::cse {

namespace {

/// New values of cni and cbs; the state tag counts every change of the container (TS-0001 9.6.6).
json::object counters(const Core& core, const Resource& container, std::uint64_t count,
                      std::uint64_t octets) {
  return {{"cni", count},
          {"cbs", octets},
          {"st", container.number("st") + 1},
          {"lt", format_timestamp(core.clock.now())}};
}

}  // namespace

std::uint64_t content_size(const json::value& content) {
  return content.is_string() ? content.get_string().size() : json::serialize(content).size();
}

Outcome<void> check_fit(const Resource& container, std::uint64_t size) {
  if (container.number("mni", UINT64_MAX) == 0) {
    return codec::refuse(Rsc::not_acceptable, "the container keeps no instance (mni is 0)");
  }
  if (size > container.number("mbs", UINT64_MAX)) {
    return codec::refuse(Rsc::not_acceptable, "pc.m2m:cin.con: larger than mbs of the container");
  }
  return {};
}

void make_room(Core& core, Resource& container, std::uint64_t size, bool one_more, std::uint64_t sequence,
               store::Batch& batch) {
  const std::uint64_t most = container.number("mni", UINT64_MAX);
  const std::uint64_t octets_max = container.number("mbs", UINT64_MAX);
  std::uint64_t octets = container.number("cbs") + size;
  std::uint64_t count = container.instances.count + (one_more ? 1 : 0);
  while (container.instances.first != nullptr && (count > most || octets > octets_max)) {
    Resource& oldest = *container.instances.first;
    octets -= oldest.number("cs");
    --count;
    core.tree.remove(oldest, sequence, batch);
  }
  core.tree.count(container, counters(core, container, count, octets), sequence);
}

void count_removal(Core& core, Resource& container, std::uint64_t size, std::uint64_t sequence) {
  const std::uint64_t octets = container.number("cbs");
  core.tree.count(container,
                  counters(core, container, container.instances.count, octets >= size ? octets - size : 0),
                  sequence);
}

}  // namespace latchkey::cse
