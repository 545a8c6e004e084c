#include "callsheet/job_context.h"

#include "callsheet/errors.h"
#include "callsheet/job_environment.h"
#include "callsheet/job_node.h"

namespace callsheet {
inline namespace v1 {

namespace {
thread_local JobContext* current = nullptr;
}  // namespace

JobContext* currentJobContext() {
  return current;
}

namespace detail {
CurrentContext::CurrentContext(JobContext& context) : before_(std::exchange(current, &context)) {}
CurrentContext::~CurrentContext() {
  current = before_;
}

JobContext& requireJobContext() {
  if (current != nullptr) return *current;
  throw Error(ErrorKind::usage, "no job runs on this thread: an environment value is there in execute()");
}

Fingerprint waitIDOf(Fingerprint step, std::string_view name) {
  CanonicalBytes bytes;
  bytes.group('|', 2);
  bytes.text("wait");
  bytes.text(name);
  bytes.reference(step);
  return bytes.fingerprint();
}
}  // namespace detail

void JobContext::sleep(std::string_view name, std::chrono::microseconds duration) {
  (void)wait(name, now() + duration.count());
}

void JobContext::sleepUntil(std::string_view name, std::chrono::system_clock::time_point time) {
  using namespace std::chrono;
  (void)wait(name, duration_cast<microseconds>(time.time_since_epoch()).count());
}

ExternalJobKey JobContext::externalKey(std::string_view name) const {
  return {directorName(), id(), detail::waitIDOf(step(), name)};
}

const JobInjections& JobContext::injections() const {
  throw Error(ErrorKind::usage, "this job has no director that could give it anything");
}
void JobContext::follow(const detail::FollowUp&) {
  throw Error(ErrorKind::usage, "no job can follow on this one");
}

detail::NodeOutcome JobContext::runNode(const std::shared_ptr<const detail::Node>&) {
  throw Error(ErrorKind::usage, "this job has no steps");
}
detail::NodeOutcome JobContext::wait(std::string_view, std::optional<std::int64_t>) {
  throw Error(ErrorKind::usage, "this job has no waits");
}

}  // namespace v1
}  // namespace callsheet
