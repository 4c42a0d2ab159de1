// The messages of `capstan query --to cef|leef`: rule and mapping as a route has them.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "input_form.h"
#include "record_identity.h"
#include "runtime/transform.h"
#include "session.h"

namespace capstan::app {

class QueryMessages {
public:
  // Nothing, after what is wrong was shown, where query or mapping have mistakes.
  static Result<std::optional<QueryMessages>> make(Session& session, InputForm form,
                                                   const kql::Environment& environment);

  // Appends the record's messages, a line each, and says whether there was one. JSON records get their id and time from
  // the members `_id` and `timestamp`, as the feeds of Defender for Cloud Apps have them.
  Result<bool> append(const RecordView& record, const kql::Envelope& envelope, std::string& out);

private:
  QueryMessages(std::unique_ptr<Encoder> encoder, std::shared_ptr<const runtime::Transform> transform, bool is_json);

  std::unique_ptr<Encoder> encoder_;
  runtime::TransformRun run_;
  bool is_json_;
  RecordIdentity identity_;
};

}  // namespace capstan::app
