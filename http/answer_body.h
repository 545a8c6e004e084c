#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "http/http_request.h"

namespace callsheet {
inline namespace v1 {

/// Makes a result of an answer's body, as it comes. A stream is JSON lines or server-sent events: of those of a flow,
/// what is generated is shown piece by piece, and the outputs at the end are the result. Anything else is the result as
/// a whole: JSON, or a text.
class AnswerBody final : public HttpAnswerReader {
 public:
  using Show = std::function<void(std::string_view text)>;
  static constexpr std::size_t lineBytesMax = 1u << 20;
  static constexpr std::size_t plainBytesMax = 4u << 20;     ///< of what is kept as a whole
  static constexpr std::size_t streamBytesMax = 256u << 20;  ///< of what is shown and let go

  /// `show` is given what people may read while it comes.
  explicit AnswerBody(Show show) : show_(std::move(show)) {}

  void begin(const HttpHead& head) override;
  [[nodiscard]] bool take(std::string_view bytes) override;

  struct Result {
    std::string value;    ///< JSON
    std::string trouble;  ///< why there is none; empty for none
    bool mayTryAgain = true;
  };
  /// Once all of it has come.
  [[nodiscard]] Result finish();
  /// Why it wanted no more.
  [[nodiscard]] const std::string& rejection() const { return rejection_; }
  /// The beginning of the body, for errors.
  [[nodiscard]] const std::string& excerpt() const { return excerpt_; }

 private:
  enum class Form { undecided, plain, lines, events };
  [[nodiscard]] bool reject(const std::string& why);
  [[nodiscard]] bool takeLines();
  void takeLine(std::string_view line);
  void takeEvent();
  void takeMessage(std::string_view text);

  const Show show_;
  Form form_ = Form::undecided;
  bool isGood_ = false;  ///< the status is one of success
  std::size_t total_ = 0;
  std::string excerpt_;
  std::string pending_;  ///< of a stream, the line that has not ended; else all
  std::string event_;    ///< data lines of the event that has not ended
  std::string rejection_;
  std::string outputs_;
  std::string last_;  ///< the last message that is JSON
  std::string failure_;
  bool isOfFlow_ = false;
};

}  // namespace v1
}  // namespace callsheet
