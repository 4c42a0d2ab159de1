#include "net/curl_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "curl_transfer.h"

namespace capstan::net {
namespace {

// The curl thread looks at its transfers at least this often; everything that happens wakes it earlier.
constexpr int poll_ms_max = 1000;

void start_libcurl() {
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(started);  // where it did not start, no easy handle can be had, and that is an error of every call
}

}  // namespace

// Who owns what: a Ticket lives on the stack of the thread that calls send, which leaves only when the curl thread has
// marked it as done; between `incoming` and `done` its transfer belongs to the curl thread alone.
struct CurlClient::Impl {
  struct Ticket {
    CurlTransfer& transfer;
    bool is_unwanted = false;  // stopped: take it off
    bool is_done = false;
    CURLcode code = CURLE_OK;
  };

  explicit Impl(std::string agent) : user_agent(std::move(agent)) {
    start_libcurl();
    multi = curl_multi_init();
    thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    thread.request_stop();
    curl_multi_wakeup(multi);
    thread.join();
    {
      // Whoever was inside has its result by now, but may not have left yet.
      std::unique_lock lock(mutex);
      something_done.wait(lock, [this] { return callers == 0; });
    }
    curl_multi_cleanup(multi);
  }

  Result<Response> send(const Request& request, const Call& call);
  void run(const std::stop_token& stop);
  void take_orders(std::vector<Ticket*>& active);
  void finish(Ticket& ticket, CURLcode code);

  const std::string user_agent;
  CURLM* multi = nullptr;
  std::mutex mutex;
  std::condition_variable_any something_done;
  std::vector<Ticket*> incoming;
  bool has_unwanted = false;
  bool has_ended = false;
  unsigned callers = 0;  // threads between entering and leaving the waiting part of send
  std::jthread thread;
};

Result<Response> CurlClient::Impl::send(const Request& request, const Call& call) {
  const auto stopped = [&] {
    return Error(ErrorCode::interrupted, fmt::format("{} {}: stopped", request.method, public_url(request.url)));
  };
  if (call.stop.stop_requested()) return stopped();
  CurlTransfer transfer(request, user_agent, call.timeout);
  if (auto refusal = transfer.refusal())
    return std::move(*refusal).during(fmt::format("{} {}", request.method, public_url(request.url)));

  Ticket ticket{transfer};
  std::unique_lock lock(mutex);
  if (has_ended || multi == nullptr) return stopped();
  ++callers;
  incoming.push_back(&ticket);
  curl_multi_wakeup(multi);
  const auto is_done = [&] { return ticket.is_done; };
  if (!something_done.wait(lock, call.stop, is_done)) {
    ticket.is_unwanted = true;
    has_unwanted = true;
    curl_multi_wakeup(multi);
    something_done.wait(lock, is_done);
  }
  --callers;
  something_done.notify_all();  // under the lock: nothing of the client may be touched after it
  lock.unlock();
  if (ticket.is_unwanted && ticket.code == CURLE_ABORTED_BY_CALLBACK) return stopped();
  return transfer.take_result(ticket.code);
}

void CurlClient::Impl::run(const std::stop_token& stop) {
  // OpenSSL writes to sockets whose peer has gone; the signal is for programs that do not look at errors.
  sigset_t sigpipe;
  sigemptyset(&sigpipe);
  sigaddset(&sigpipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &sigpipe, nullptr);

  std::vector<Ticket*> active;
  while (!stop.stop_requested()) {
    take_orders(active);
    int running = 0;
    curl_multi_perform(multi, &running);
    int queued = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &queued)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      const auto done =
          std::ranges::find(active, message->easy_handle, [](const Ticket* t) { return t->transfer.handle(); });
      if (done == active.end()) continue;
      Ticket& ticket = **done;
      active.erase(done);
      finish(ticket, code);
    }
    curl_multi_poll(multi, nullptr, 0, poll_ms_max, nullptr);
  }
  {
    const std::lock_guard lock(mutex);
    has_ended = true;
  }
  take_orders(active);
  for (Ticket* ticket : active) {
    {
      const std::lock_guard lock(mutex);
      ticket->is_unwanted = true;
    }
    finish(*ticket, CURLE_ABORTED_BY_CALLBACK);
  }
}

// Puts new transfers on and takes unwanted ones off.
void CurlClient::Impl::take_orders(std::vector<Ticket*>& active) {
  std::vector<Ticket*> unwanted;
  std::vector<Ticket*> fresh;
  {
    const std::lock_guard lock(mutex);
    fresh.swap(incoming);
    active.insert(active.end(), fresh.begin(), fresh.end());
    if (std::exchange(has_unwanted, false))
      std::ranges::copy_if(active, std::back_inserter(unwanted),
                           [](const Ticket* ticket) { return ticket->is_unwanted; });
  }
  for (Ticket* ticket : fresh) curl_multi_add_handle(multi, ticket->transfer.handle());
  for (Ticket* ticket : unwanted) {
    std::erase(active, ticket);
    finish(*ticket, CURLE_ABORTED_BY_CALLBACK);
  }
}

void CurlClient::Impl::finish(Ticket& ticket, CURLcode code) {
  curl_multi_remove_handle(multi, ticket.transfer.handle());
  const std::lock_guard lock(mutex);
  ticket.code = code;
  ticket.is_done = true;
  something_done.notify_all();
}

CurlClient::CurlClient(std::string user_agent) : impl_(std::make_unique<Impl>(std::move(user_agent))) {}
CurlClient::~CurlClient() = default;
Result<Response> CurlClient::send(const Request& request, const Call& call) { return impl_->send(request, call); }

}  // namespace capstan::net
