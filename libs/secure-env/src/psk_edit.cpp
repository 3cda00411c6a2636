// Changes of the PSK table and of the keys behind it, ordered so that a crash leaves no line without its key.
#include "latchkey/crypto/crypto.h"
#include "latchkey/secure_env/psk_table.h"
#include "owner_file.h"
#include "psk_lines.h"

namespace latchkey::secure_env {

namespace {

/// Unlike any handle before, so that a daemon never takes an old key in its memory for a new one of the same
/// identity.
KeyHandle fresh_handle(const KeyId& identity) {
  const auto unique = crypto::random_bytes(8);
  return {identity.relative() + "." + to_hex(unique)};
}

Status check_key(const SecretBytes& key, unsigned min_bits) {
  const auto bits = key.size() * 8;
  if (key.empty() || bits < min_bits) {
    return fail(ErrorCode::invalid_argument, "key: " + std::to_string(bits) + " bits, at least " +
                                                 std::to_string(min_bits) + " are required");
  }
  if (key.size() > kPskBytesMax) {
    return fail(ErrorCode::invalid_argument, "key: longer than " + std::to_string(kPskBytesMax) + " octets");
  }
  return {};
}

/// The table file under its lock.
struct OpenTable {
  FileLock lock;
  std::string file, text;
  std::shared_ptr<const PskTable> table;

  static Result<OpenTable> open(const std::string& file, const SpId& home) {
    auto lock = FileLock::take(file);
    if (!lock) return fail(lock.error());
    auto content = read_owned_file(file, Access::all_may_read, kPskFileBytesMax);
    if (!content && content.error().code != ErrorCode::not_found) return fail(content.error());
    std::string text(content ? as_text(content->reveal()) : std::string_view());
    auto table = PskTable::parse(text, file, home);
    if (!table) return fail(table.error());
    return OpenTable{std::move(*lock), file, std::move(text), std::move(*table)};
  }

  [[nodiscard]] Status append(std::string_view lines) const {
    std::string changed = text;
    if (!changed.empty() && !changed.ends_with('\n')) changed += '\n';
    changed += lines;
    if (changed.size() > kPskFileBytesMax) return fail(ErrorCode::limit, file + " would be too long");
    return replace_file(file, as_bytes(changed));
  }
};

/// The text without the line whose key handle is `handle`; all else stays, comments too.
std::string without_line(std::string_view text, const KeyHandle& handle) {
  std::string kept;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(line.size());
    LineErrors none({});
    const auto fields = split_line(line.substr(0, line.find('\n')), 0, none);
    if (!fields || (*fields)[2] != handle.name) kept += line;
  }
  return kept;
}

/// Keys first, then the table: the order that a crash may interrupt anywhere.
Status apply(SecureEnvironment& environment, const OpenTable& open, const std::vector<PskEntry>& entries,
             std::vector<NewKey>&& keys) {
  if (auto stored = environment.store_all(std::move(keys)); !stored)
    return fail("secure environment", stored.error());
  std::string lines;
  for (const auto& entry : entries) lines += format_entry(entry);
  auto written = open.append(lines);
  if (!written) {
    for (const auto& entry : entries)
      static_cast<void>(environment.remove(entry.key));  // unused; the failure above counts
  }
  return written;
}

NewKey new_key(const PskEntry& entry, SecretBytes&& secret) {
  return {entry.key, {entry.suid, entry.expires_unix}, std::move(secret)};
}

struct Import {
  std::vector<PskEntry> entries;
  std::vector<NewKey> keys;
};

Result<Import> check_import(std::string_view text, const std::string& file, const SpId& home,
                            const PskTable& table, unsigned min_bits) {
  LineErrors errors(file);
  IdentityIndex index;
  for (std::size_t i = 0; i < table.entries().size(); ++i)
    static_cast<void>(index.add(table.entries()[i], i));
  Import import;
  for_each_line(text, errors, [&](std::size_t line, const Fields& fields) {
    auto entry = parse_entry(fields, home);
    if (!entry) return errors.add(line, entry.error().detail);
    auto secret = secret_from_hex(fields[2]);
    if (!secret) return errors.add(line, "key: not an even number of hex digits");
    if (const auto strong = check_key(*secret, min_bits); !strong)
      return errors.add(line, strong.error().detail);
    if (!index.add(*entry, line))
      return errors.add(line, "psk-identity: is in the table or in a line before");
    entry->key = fresh_handle(entry->identity);
    import.keys.push_back(new_key(*entry, std::move(*secret)));
    import.entries.push_back(std::move(*entry));
  });
  if (!errors.empty()) return fail(errors.error());
  return import;
}

}  // namespace

Status psk_add(SecureEnvironment& environment, const std::string& table_file, const SpId& home,
               std::optional<EntityId> entity, const KeyId& identity, Suid suid,
               std::optional<std::int64_t> expires_unix, SecretBytes&& key, unsigned min_bits) {
  if (auto strong = check_key(key, min_bits); !strong) return strong;
  PskEntry entry{std::move(entity), identity, fresh_handle(identity), suid, expires_unix};
  // The line is read back before it is written: what the table would refuse is refused here.
  if (auto readable = PskTable::parse(format_entry(entry), "new line", home); !readable)
    return fail(readable.error());
  const auto open = OpenTable::open(table_file, home);
  if (!open) return fail(open.error());
  if (auto joined = PskTable::parse(open->text + "\n" + format_entry(entry), table_file, home); !joined) {
    return fail(ErrorCode::conflict, "psk-identity " + identity.text() + " is in the table already");
  }
  std::vector<NewKey> keys;
  keys.push_back(new_key(entry, std::move(key)));
  std::vector<PskEntry> entries;
  entries.push_back(std::move(entry));
  return apply(environment, *open, entries, std::move(keys));
}

Status psk_remove(SecureEnvironment& environment, const std::string& table_file, const SpId& home,
                  const KeyId& identity) {
  const auto open = OpenTable::open(table_file, home);
  if (!open) return fail(open.error());
  const auto* entry = open->table->find(identity.text());
  if (entry == nullptr)
    return fail(ErrorCode::not_found, "psk-identity " + identity.text() + " is not in the table");
  if (auto written = replace_file(table_file, as_bytes(without_line(open->text, entry->key))); !written)
    return written;
  auto removed = environment.remove(entry->key);
  // Gone already: a removal that crashed at this place is done again by hand.
  if (!removed && removed.error().code != ErrorCode::not_found) return removed;
  return {};
}

Result<std::size_t> psk_import(SecureEnvironment& environment, const std::string& table_file,
                               const SpId& home, const std::string& import_file, unsigned min_bits) {
  const auto text = read_owned_file(import_file, Access::owner_only, kPskFileBytesMax);
  if (!text) return fail(text.error());
  const auto open = OpenTable::open(table_file, home);
  if (!open) return fail(open.error());
  auto import = check_import(as_text(text->reveal()), import_file, home, *open->table, min_bits);
  if (!import) return fail(import.error());
  if (import->entries.empty()) return std::size_t{0};
  if (auto applied = apply(environment, *open, import->entries, std::move(import->keys)); !applied)
    return fail(applied.error());
  return import->entries.size();
}

}  // namespace latchkey::secure_env
