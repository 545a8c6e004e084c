// libcurl brings thirty libraries with it, and their start would be most of what `callsheet add` takes. So the command
// is not linked with it: these are its functions, as far as this folder uses them, and each calls the library's own.
#include <curl/curl.h>

#include <cstdarg>

#include "ipc/shared_library.h"

namespace {
const callsheet::SharedLibrary& libcurl() {
  static const callsheet::SharedLibrary library(CALLSHEET_LIBCURL);
  return library;
}
}  // namespace

// va_start behind an enumeration is for C alone; here it is an int as there.
#pragma GCC diagnostic ignored "-Wvarargs"
#undef curl_easy_getinfo
#undef curl_easy_setopt
#define CALLSHEET_THEIRS(function) callsheet::functionOf<libcurl, function>(#function)

CURL* curl_easy_init() {
  return CALLSHEET_THEIRS(curl_easy_init)();
}

void curl_easy_cleanup(CURL* handle) {
  CALLSHEET_THEIRS(curl_easy_cleanup)(handle);
}

CURLcode curl_easy_perform(CURL* handle) {
  return CALLSHEET_THEIRS(curl_easy_perform)(handle);
}

// What type the value has stands in the option's number.
CURLcode curl_easy_setopt(CURL* handle, CURLoption option, ...) {
  auto* const set = CALLSHEET_THEIRS(curl_easy_setopt);
  std::va_list values;
  va_start(values, option);
  CURLcode code = CURLE_OK;
  if (option < CURLOPTTYPE_OBJECTPOINT)
    code = set(handle, option, va_arg(values, long));
  else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
    code = set(handle, option, va_arg(values, curl_off_t));
  else
    code = set(handle, option, va_arg(values, void*));
  va_end(values);
  return code;
}

// Here it is always where to write to.
CURLcode curl_easy_getinfo(CURL* handle, CURLINFO what, ...) {
  auto* const get = CALLSHEET_THEIRS(curl_easy_getinfo);
  std::va_list values;
  va_start(values, what);
  const CURLcode code = get(handle, what, va_arg(values, void*));
  va_end(values);
  return code;
}

CURLHcode curl_easy_header(CURL* handle, const char* name, size_t index, unsigned int origin, int request,
                           curl_header** found) {
  return CALLSHEET_THEIRS(curl_easy_header)(handle, name, index, origin, request, found);
}

const char* curl_easy_strerror(CURLcode code) {
  return CALLSHEET_THEIRS(curl_easy_strerror)(code);
}

curl_slist* curl_slist_append(curl_slist* list, const char* text) {
  return CALLSHEET_THEIRS(curl_slist_append)(list, text);
}

void curl_slist_free_all(curl_slist* list) {
  CALLSHEET_THEIRS(curl_slist_free_all)(list);
}

CURLM* curl_multi_init() {
  return CALLSHEET_THEIRS(curl_multi_init)();
}

CURLMcode curl_multi_cleanup(CURLM* multi) {
  return CALLSHEET_THEIRS(curl_multi_cleanup)(multi);
}

CURLMcode curl_multi_add_handle(CURLM* multi, CURL* handle) {
  return CALLSHEET_THEIRS(curl_multi_add_handle)(multi, handle);
}

CURLMcode curl_multi_remove_handle(CURLM* multi, CURL* handle) {
  return CALLSHEET_THEIRS(curl_multi_remove_handle)(multi, handle);
}

CURLMcode curl_multi_perform(CURLM* multi, int* running) {
  return CALLSHEET_THEIRS(curl_multi_perform)(multi, running);
}

CURLMcode curl_multi_poll(CURLM* multi, curl_waitfd extra[], unsigned int count, int timeoutMillis, int* happened) {
  return CALLSHEET_THEIRS(curl_multi_poll)(multi, extra, count, timeoutMillis, happened);
}

CURLMcode curl_multi_wakeup(CURLM* multi) {
  return CALLSHEET_THEIRS(curl_multi_wakeup)(multi);
}

CURLMsg* curl_multi_info_read(CURLM* multi, int* left) {
  return CALLSHEET_THEIRS(curl_multi_info_read)(multi, left);
}
