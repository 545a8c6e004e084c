#pragma once
#include <algorithm>
#include <sstream>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "core/crc32c.h"
#include "core/job_store.h"
#include "core/record_archive.h"
#include "core/verbs.h"

// Everything of an answer or a row as text: equal texts are equal values, and a difference can be read.
namespace callsheet::tests {

/// A checksum of all fields, those included that nobody thought of printing.
template <class Value>
[[nodiscard]] std::uint32_t digestOf(const Value& value) {
  const std::string bytes = toRecord(value);
  return crc32c(0, std::as_bytes(std::span(bytes)));
}

[[nodiscard]] inline std::string textOf(const JobRow& row) {
  std::ostringstream out;
  out << row.id.toString() << ' ' << toString(row.state) << ' ' << toString(row.waitingFor) << ' '
      << toString(row.outcome) << " owner " << row.owner.toString().substr(28) << " holder "
      << row.holder.toString().substr(28) << " exec " << row.execID.toString() << " attempt " << row.attempt << '/'
      << row.started << '/' << row.failures << '/' << row.holderDeaths << " wake " << row.wakeAt << " deadline "
      << row.deadlineNanos << " version " << row.version << " flags " << row.cancelRequested << row.transferRequested
      << row.alone << " #" << digestOf(row);
  return out.str();
}

[[nodiscard]] inline std::string textOf(const JobView& view) {
  return textOf(view.row) + " body #" + std::to_string(digestOf(view.body)) + " result " +
         (view.result
              ? view.result->value + " " + view.result->failure.message + " #" + std::to_string(digestOf(*view.result))
              : "none");
}

[[nodiscard]] inline std::string textOf(const JobPage& page) {
  std::string text;
  for (const auto& view : page.jobs) text += textOf(view) + "\n";
  for (const auto& id : page.unreadable) text += "unreadable " + id.toString() + "\n";
  return text + "next " + page.next;
}

[[nodiscard]] inline std::string textOf(const std::vector<LogEntry>& log) {
  std::ostringstream out;
  for (const auto& entry : log)
    out << entry.index << ' ' << toString(entry.move) << ' ' << toString(entry.before) << "->" << toString(entry.after)
        << ' ' << entry.note << " #" << digestOf(entry) << '\n';
  return out.str();
}

[[nodiscard]] inline std::string textOf(const std::vector<MemoRow>& memos) {
  std::ostringstream out;
  for (const auto& memo : memos)
    out << memo.id.toString() << ' ' << memo.name << ' ' << toString(memo.state) << " wake " << memo.wakeAt
        << " stored " << memo.storedAt << " waited by " << memo.waitedBy << ' ' << memo.value << '(' << memo.valueBytes
        << ") #" << digestOf(memo) << '\n';
  return out.str();
}

[[nodiscard]] inline std::string textOf(const std::vector<IncarnationRow>& rows) {
  std::ostringstream out;
  for (const auto& row : rows)
    out << row.id.toString() << ' ' << row.name << ' ' << toString(row.role) << ' ' << toString(row.closing)
        << " emptied " << row.emptied << " adopted " << row.adopted << " #" << digestOf(row) << '\n';
  return out.str();
}

[[nodiscard]] inline std::string textOf(const AnyAnswer& answer) {
  std::ostringstream out;
  out << toString(baseOf(answer).verdict) << " '" << baseOf(answer).why << "'";
  std::visit(
      [&](const auto& one) {
        using One = std::decay_t<decltype(one)>;
        if constexpr (std::is_same_v<One, Adopt::Answer> || std::is_same_v<One, SweepAnswer>)
          out << " moved " << one.moved << " more " << one.more;
        if constexpr (std::is_same_v<One, Submit::Answer>)
          for (const auto& job : one.jobs)
            out << "\n  " << toString(job.verdict) << ' ' << job.id.toString() << ' ' << job.why;
        if constexpr (std::is_same_v<One, Claim::Answer>) {
          out << " more " << one.more << " alone " << one.aloneWaiting << " next due " << one.nextDueAt;
          for (const auto& item : one.jobs) out << "\n  " << textOf(item.row) << " body #" << digestOf(item.body);
        }
        if constexpr (std::is_same_v<One, AttemptAnswer>)
          out << " state " << toString(one.state) << " cancel " << one.cancelRequested << " transfer "
              << one.transferRequested << (one.row ? " row " + textOf(*one.row) : "");
      },
      answer);
  return out.str();
}

// The same without the text, for tests that compare very many.

[[nodiscard]] inline bool areEqual(const JobView& a, const JobView& b) {
  return a.row == b.row && a.body == b.body && a.result == b.result;
}

[[nodiscard]] inline bool areEqual(const JobPage& a, const JobPage& b) {
  return a.next == b.next && a.unreadable == b.unreadable &&
         std::equal(a.jobs.begin(), a.jobs.end(), b.jobs.begin(), b.jobs.end(),
                    [](const JobView& x, const JobView& y) { return areEqual(x, y); });
}

/// Claims by their fields; of the others the text is short.
[[nodiscard]] inline bool areEqual(const AnyAnswer& a, const AnyAnswer& b) {
  const auto* left = std::get_if<Claim::Answer>(&a);
  const auto* right = std::get_if<Claim::Answer>(&b);
  if (left == nullptr || right == nullptr) return a.index() == b.index() && textOf(a) == textOf(b);
  return left->verdict == right->verdict && left->why == right->why && left->more == right->more &&
         left->aloneWaiting == right->aloneWaiting && left->nextDueAt == right->nextDueAt &&
         std::equal(left->jobs.begin(), left->jobs.end(), right->jobs.begin(), right->jobs.end(),
                    [](const Claim::Item& x, const Claim::Item& y) { return x.row == y.row && x.body == y.body; });
}

}  // namespace callsheet::tests
