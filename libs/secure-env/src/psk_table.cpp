#include "latchkey/secure_env/psk_table.h"

#include <atomic>

#include "owner_file.h"
#include "psk_lines.h"

namespace latchkey::secure_env {

struct PskTable::Index {
  IdentityIndex identities;
};

Result<std::shared_ptr<const PskTable>> PskTable::parse(std::string_view text, const std::string& name,
                                                        const SpId& home) {
  static std::atomic<std::uint64_t> generations{0};
  LineErrors errors(name);
  auto table = std::make_shared<PskTable>();
  auto index = std::make_shared<Index>();
  std::unordered_map<std::string, std::size_t> handles;  // to the line
  for_each_line(text, errors, [&](std::size_t line, const Fields& fields) {
    auto entry = parse_entry(fields, home);
    if (!entry) return errors.add(line, entry.error().detail);
    entry->key.name = fields[2];
    if (!is_valid(entry->key))
      return errors.add(line, "key-handle: must have 1 to 255 letters, digits and characters of '._-@'");
    if (const auto [other, fresh] = handles.try_emplace(entry->key.name, line); !fresh) {
      return errors.add(line, "key-handle: is that of line " + std::to_string(other->second));
    }
    if (!index->identities.add(*entry, table->entries_.size()))
      return errors.add(line, "psk-identity: is there already");
    table->entries_.push_back(std::move(*entry));
  });
  if (!errors.empty()) return fail(errors.error());
  table->index_ = std::move(index);
  table->generation_ = ++generations;
  return std::shared_ptr<const PskTable>(std::move(table));
}

Result<std::shared_ptr<const PskTable>> PskTable::load(const std::string& file, const SpId& home) {
  const auto text = read_owned_file(file, Access::all_may_read, kPskFileBytesMax);
  if (!text && text.error().code == ErrorCode::not_found) return parse({}, file, home);
  if (!text) return fail(text.error());
  return parse(as_text(text->reveal()), file, home);
}

const PskEntry* PskTable::find(std::string_view identity) const {
  if (!index_) return nullptr;
  const auto position = index_->identities.find(identity);
  return position ? &entries_[*position] : nullptr;
}

}  // namespace latchkey::secure_env
