#include "cse_daemon.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

namespace latchkey::bench {
namespace {

namespace fs = std::filesystem;

std::string program(const std::string& name) {
  return fs::read_symlink("/proc/self/exe").parent_path() / name;
}

/// In a process of its own that does not outlive us; what it prints goes to `log`.
pid_t spawn(const std::vector<std::string>& words, const std::string& log) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const auto& word : words)
    arguments.push_back(const_cast<char*>(word.c_str()));  // NOLINT: execv's type
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, generic, size) != 0 || ::getsockname(fd, generic, &size) != 0) give_up("no free port");
  ::close(fd);
  return ntohs(address.sin_port);
}

bool takes_connections(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return connected;
}

constexpr unsigned kGatherMicroseconds = 100;

std::string in_hex(std::string_view octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : octets) {
    text += kDigits[static_cast<unsigned char>(c) >> 4U];
    text += kDigits[static_cast<unsigned char>(c) & 15U];
  }
  return text;
}

/// The requests of one originator that are in flight bear different identifiers; all are of one length.
std::string next_request_id() {
  static std::uint64_t last = 1'000'000'000;
  return std::to_string(++last);
}

std::string request(std::string_view line, std::string_view content_type = {}, std::string_view body = {}) {
  std::string text(line);
  text +=
      " HTTP/1.1\r\nHost: in-cse.bench.example\r\nX-M2M-Origin: Cbench\r\nX-M2M-RI: " + next_request_id() +
      "\r\nX-M2M-RVI: 3\r\nAccept: application/json\r\n";
  if (!body.empty()) {
    text.append("Content-Type: ").append(content_type).append("\r\nContent-Length: ");
    text.append(std::to_string(body.size())).append("\r\n");
  }
  return text.append("\r\n").append(body);
}

int status_of(std::string_view answer) { return answer.size() < 12 ? 0 : std::atoi(answer.data() + 9); }

void must_create(Load& load, std::string_view parent, int ty, std::string_view body) {
  const auto answer = load.exchange(
      request("POST /" + std::string(parent), "application/json;ty=" + std::to_string(ty), body));
  if (status_of(answer) != 201) give_up("cannot create: " + answer);
}

}  // namespace

const Psk& bench_psk() {
  static const Psk psk{"bench-key-0001@in-cse.bench.example", "0123456789abcdef0123456789abcdef"};
  return psk;
}

// --- the daemon

CseDaemon::CseDaemon(std::string folder)
    : folder_(std::move(folder)), secure_port_(free_port()), trusted_port_(free_port()) {
  fs::create_directory(folder_);
  fs::create_directory(folder_ + "/state");
  fs::permissions(folder_ + "/state", fs::perms::owner_all);
  make_credentials();
  write_configuration();
  start();
}

CseDaemon::~CseDaemon() {
  if (pid_ > 0) stop();
}

void CseDaemon::make_credentials() const {
  const auto at = [this](const char* name) { return folder_ + "/" + name; };
  const auto latchkey = [&](std::vector<std::string> words) {
    words.insert(words.begin(), program("latchkey"));
    int status = 0;
    const pid_t pid = spawn(words, at("latchkey.log"));
    if (::waitpid(pid, &status, 0) != pid || status != 0)
      give_up("'latchkey " + words[1] + " " + words[2] + "' failed: see " + at("latchkey.log"));
  };
  const std::vector<std::string> permit{"--permit-dns", "bench.example", "--permit-uri", "bench.example"};
  const auto with = [&](std::vector<std::string> words) {
    words.insert(words.end(), permit.begin(), permit.end());
    return words;
  };
  latchkey(with({"pki", "root", at("root"), "--name", "Root"}));
  latchkey(with(
      {"pki", "intermediate", at("issuing"), "--parent", at("root"), "--name", "Issuing", "--days", "1825"}));
  latchkey({"pki", "issue", "--ca", at("issuing"), "--key", at("tls.key"), "--out", at("tls.pem"), "--type",
            "cse-id", "--name", "/in-cse", "--sp", "//bench.example"});
  latchkey({"pki", "kek", at("kek")});
  const std::vector<std::string> state{"--state-dir", at("state"), "--kek", at("kek")};
  const auto in_state = [&](std::vector<std::string> words) {
    words.insert(words.end(), state.begin(), state.end());
    return words;
  };
  latchkey(in_state({"pki", "store-key", "--handle", "tls", "--key", at("tls.key")}));
  {
    const int fd = ::open(at("psk.hex").c_str(), O_WRONLY | O_CREAT, 0600);
    const auto hex = in_hex(bench_psk().key);
    if (::write(fd, hex.data(), hex.size()) != static_cast<ssize_t>(hex.size()))
      give_up("cannot write the key");
    ::close(fd);
  }
  latchkey(in_state({"psk", "add", "--entity", "/in-cse/Cbench", "--identity", bench_psk().identity, "--key",
                     at("psk.hex"), "--sp", "//bench.example"}));
}

void CseDaemon::write_configuration() const {
  std::ofstream out(folder_ + "/cse.toml");
  out << "[state]\ndir = \"" << folder_ << "/state\"\nkek_file = \"" << folder_ << "/kek\"\ndecision_log = \""
      << folder_ << "/decisions.jsonl\"\n"
      << "[tls]\ncertificate = \"" << folder_ << "/tls.pem\"\nprivate_key = \"tls\"\n[[tls.trust]]\nfile = \""
      << folder_ << "/root/ca.pem\"\n"
      << "[[listen]]\nname = \"public\"\naddress = \"127.0.0.1\"\nport = " << secure_port_ << "\n"
      << "[[listen]]\nname = \"local\"\nkind = \"trusted-tcp\"\naddress = \"127.0.0.1\"\nport = "
      << trusted_port_ << "\nhosts = [\"in-cse.bench.example\"]\noriginators = [\"/in-cse/Cbench\"]\n"
      << "[limits]\nidle_time = \"1h\"\n"
      << "[cse]\ntype = \"IN\"\nsp_id = \"//bench.example\"\ncse_id = \"/in-cse\"\n";
}

CseDaemon::Start CseDaemon::start() {
  const double begin = wall_seconds();
  pid_ = spawn({program("latchkey-cse"), "--config", folder_ + "/cse.toml"}, folder_ + "/cse.log");
  while (!takes_connections(secure_port_)) {
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      std::ifstream log(folder_ + "/cse.log");
      give_up("latchkey-cse does not start: " + std::string(std::istreambuf_iterator<char>(log), {}));
    }
    ::usleep(2000);
  }
  return {wall_seconds() - begin, cpu().seconds()};
}

void CseDaemon::stop() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::size_t CseDaemon::memory() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/smaps_rollup");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("Pss:")) return std::stoul(line.substr(4)) * 1024;
  give_up("no smaps_rollup");
}

// --- requests

std::string retrieve_container(std::size_t container) {
  return request("GET /in-cse/bench/c" + std::to_string(container));
}

std::string create_instance(std::size_t container) {
  // 100 octets of content.
  static const std::string body = R"({"m2m:cin":{"con":")" + std::string(100, 'x') + R"("}})";
  return request("POST /in-cse/bench/c" + std::to_string(container), "application/json;ty=4", body);
}

void populate(Load& load, std::size_t containers, std::size_t instances) {
  must_create(load, "in-cse", 2, R"({"m2m:ae":{"rn":"bench","api":"Nbench","rr":false,"srv":["3"]}})");
  must_create(load, "in-cse/bench", 1,
              R"({"m2m:acp":{"rn":"acp","pv":{"acr":[{"acor":["/mn-cse-123456"],"acop":63},)"
              R"({"acor":["/mn-cse-123456/Clock-*"],"acop":3},{"acor":["/in-cse/Cbench"],"acop":63}]},)"
              R"("pvs":{"acr":[{"acor":["/in-cse/Cbench"],"acop":63}]}}})");
  for (std::size_t i = 0; i < containers; ++i)
    must_create(load, "in-cse/bench", 3,
                R"({"m2m:cnt":{"rn":"c)" + std::to_string(i) +
                    R"(","acpi":["in-cse/bench/acp"],"lbl":["benchmark"]}})");
  if (instances > 0)
    load.run(containers * instances, 201, [&](std::size_t i) { return create_instance(i % containers); });
}

// --- load

Load::Load(std::uint16_t port, const PskEnds& ends, std::size_t connections) : epoll_(::epoll_create1(0)) {
  for (std::size_t i = 0; i < connections; ++i) {
    auto& made = *connections_.emplace_back(std::make_unique<Connection>(port, &ends));
    made.not_waiting();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, made.descriptor(), &event);
  }
}

Load::~Load() { ::close(epoll_); }

double Load::run(std::size_t count, int status, const std::function<std::string(std::size_t)>& request_of) {
  const double begin = wall_seconds();
  std::size_t sent = 0, answered = 0;
  for (auto& connection : connections_)
    if (sent < count) connection->send(request_of(sent++));
  std::array<epoll_event, 128> events{};
  while (answered < count) {
    const int ready = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      auto& connection = *connections_[events[static_cast<std::size_t>(i)].data.u64];
      const auto answer = connection.receive();
      if (!answer) continue;
      if (status_of(*answer) != status) give_up("unexpected answer: " + *answer);
      ++answered;
      if (sent < count) connection.send(request_of(sent++));
    }
    // Real clients sit on other machines: a server that had to wake this thread for each answer would pay for
    // it.
    ::usleep(kGatherMicroseconds);
  }
  return wall_seconds() - begin;
}

}  // namespace latchkey::bench
