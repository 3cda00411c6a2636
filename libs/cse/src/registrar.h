#pragma once
/// The registration of this CSE with its registrar (TS-0001 10.2.2.3): a <remoteCSE> there, one for the
/// registrar here, renewed before it expires, made again when it was lost.
#include <memory>

#include "core.h"

namespace latchkey::cse {

class Registrar {
 public:
  /// `core` outlives this.
  Registrar(Core& core, CseId registrar) : core_(core), registrar_(std::move(registrar)) {}
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;
  ~Registrar();

  void start();
  /// What this CSE says of itself has changed: the registrar is told now, if it knows us.
  void refresh();
  /// The same for the CSEs below this one (descendantCSEs), if they are others than the registrar was told.
  void descendants_changed();

 private:
  using Answered = void (Registrar::*)(const ResponsePrimitive&);
  void send(RequestPrimitive request, Answered answered);
  void create();
  void created(const ResponsePrimitive& response);
  void renew();
  void renewed(const ResponsePrimitive& response);
  void read_base();
  void base_read(const ResponsePrimitive& response);
  void keep_base(const json::object& base);
  void settled();
  void retry(std::string_view why);
  [[nodiscard]] std::chrono::milliseconds refresh_after() const;
  void run_later(std::chrono::milliseconds delay, void (Registrar::*step)());
  [[nodiscard]] RequestPrimitive request(codec::Operation op, std::string_view below) const;
  [[nodiscard]] json::object own_attributes();

  Core& core_;
  CseId registrar_;
  Executor::TimerId timer_{};
  Executor::TimerId look_{};  ///< at the descendants; never moves the time of the next renewal
  std::chrono::milliseconds backoff_{0};
  std::uint64_t requests_ = 0;
  bool registered_ = false;
  std::vector<std::string> told_;                                          ///< descendantCSEs, as last sent
  std::shared_ptr<Registrar*> self_ = std::make_shared<Registrar*>(this);  // answers may come after our end
};

}  // namespace latchkey::cse
