// The functions of libmicrohttpd, as far as this folder uses them: each calls the library's own, which is loaded when
// the first server begins. Linked, it and the TLS library that comes with it would cost every other command's start.
#include <microhttpd.h>

#include <cstdarg>

#include "ipc/shared_library.h"

namespace {
const callsheet::SharedLibrary& libmicrohttpd() {
  static const callsheet::SharedLibrary library(CALLSHEET_LIBMICROHTTPD);
  return library;
}
}  // namespace

#define CALLSHEET_THEIRS(function) callsheet::functionOf<libmicrohttpd, function>(#function)

MHD_Daemon* MHD_start_daemon(unsigned int flags, uint16_t port, MHD_AcceptPolicyCallback accept, void* acceptContext,
                             MHD_AccessHandlerCallback handler, void* handlerContext, ...) {
  std::va_list options;
  va_start(options, handlerContext);
  MHD_Daemon* const daemon =
      CALLSHEET_THEIRS(MHD_start_daemon_va)(flags, port, accept, acceptContext, handler, handlerContext, options);
  va_end(options);
  return daemon;
}

void MHD_stop_daemon(MHD_Daemon* daemon) {
  CALLSHEET_THEIRS(MHD_stop_daemon)(daemon);
}

MHD_Result MHD_run(MHD_Daemon* daemon) {
  return CALLSHEET_THEIRS(MHD_run)(daemon);
}

MHD_Result MHD_get_timeout(MHD_Daemon* daemon, MHD_UNSIGNED_LONG_LONG* millis) {
  return CALLSHEET_THEIRS(MHD_get_timeout)(daemon, millis);
}

const MHD_DaemonInfo* MHD_get_daemon_info(MHD_Daemon* daemon, MHD_DaemonInfoType what, ...) {
  return CALLSHEET_THEIRS(MHD_get_daemon_info)(daemon, what);
}

const MHD_ConnectionInfo* MHD_get_connection_info(MHD_Connection* connection, MHD_ConnectionInfoType what, ...) {
  return CALLSHEET_THEIRS(MHD_get_connection_info)(connection, what);
}

int MHD_get_connection_values(MHD_Connection* connection, MHD_ValueKind kind, MHD_KeyValueIterator visit,
                              void* context) {
  return CALLSHEET_THEIRS(MHD_get_connection_values)(connection, kind, visit, context);
}

void MHD_suspend_connection(MHD_Connection* connection) {
  CALLSHEET_THEIRS(MHD_suspend_connection)(connection);
}

void MHD_resume_connection(MHD_Connection* connection) {
  CALLSHEET_THEIRS(MHD_resume_connection)(connection);
}

MHD_Response* MHD_create_response_from_buffer(size_t size, void* bytes, MHD_ResponseMemoryMode mode) {
  return CALLSHEET_THEIRS(MHD_create_response_from_buffer)(size, bytes, mode);
}

MHD_Response* MHD_create_response_from_callback(uint64_t size, size_t blockSize, MHD_ContentReaderCallback read,
                                                void* context, MHD_ContentReaderFreeCallback free) {
  return CALLSHEET_THEIRS(MHD_create_response_from_callback)(size, blockSize, read, context, free);
}

MHD_Result MHD_add_response_header(MHD_Response* response, const char* name, const char* value) {
  return CALLSHEET_THEIRS(MHD_add_response_header)(response, name, value);
}

MHD_Result MHD_queue_response(MHD_Connection* connection, unsigned int status, MHD_Response* response) {
  return CALLSHEET_THEIRS(MHD_queue_response)(connection, status, response);
}

void MHD_destroy_response(MHD_Response* response) {
  CALLSHEET_THEIRS(MHD_destroy_response)(response);
}

const char* MHD_get_reason_phrase_for(unsigned int status) {
  return CALLSHEET_THEIRS(MHD_get_reason_phrase_for)(status);
}
