#pragma once
/// What a process that holds secrets does to itself.

namespace latchkey {

/// From now on no core dump of this process is written and nobody but root reads its memory (ptrace, /proc):
/// both would hold keys. Where the system refuses that is logged. Call it first.
void hide_memory() noexcept;

}  // namespace latchkey
