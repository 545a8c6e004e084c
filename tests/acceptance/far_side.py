"""The far side of HTTP jobs: answers as its paths say, and writes down who asked.

usage: far_side.py LOG      prints its port, then serves 127.0.0.1 until its stdin ends
"""
import collections
import hashlib
import http.server
import json
import sys
import threading
import time

log = open(sys.argv[1], "a", encoding="utf-8")
lock = threading.Lock()
seen = collections.Counter()
uploads = {}
STREAM = [
    {"type": "chunk", "value": {"type": "generation", "state": "start", "label": "poem"}},
    {"type": "chunk", "value": "r\u00f6d "}, {"type": "chunk", "value": "is "}, {"type": "chunk", "value": "the "},
    {"type": "chunk", "value": "\u65e5\u672c "}, {"type": "chunk", "value": "sun"},
    {"type": "chunk", "value": {"type": "generation", "state": "done", "label": "poem"}},
    {"type": "outputs", "values": {"poem": "r\u00f6d is the \u65e5\u672c sun"}}]


def content(size, version):
    """The bytes of a file's version: no two of its blocks are equal."""
    blocks = (hashlib.sha256(f"{version}/{at}".encode()).digest() for at in range((size + 31) // 32))
    return b"".join(blocks)[:size]


def sizes(length):
    """Of the pieces of so many bytes."""
    return [min(1 << 16, length - at) for at in range(0, length, 1 << 16)]


class FarSide(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def begin_stream(self, content_type="text/plain"):
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def pieces(self, data, size, pause):
        for at in range(0, len(data), size):
            self.chunk(data[at:at + size])
            time.sleep(pause)

    def handle_any(self):
        length = int(self.headers.get("Content-Length", 0))
        what, query = self.path.split("?")[0].strip("/").split("-")[0], self.query()
        # Of an upload that is cut, so much is taken, and then the connection is no more.
        taken = int(query["cut"]) if what == "upload" and "cut" in query and length > 0 else length
        with lock:
            isCut = taken < length and seen[self.path + "#cut"] == 0
            seen[self.path + "#cut"] += isCut
        raw = b"".join(self.piece(size, query) for size in sizes(taken if isCut else length))
        body = raw[:4096].decode(errors="replace")
        with lock:
            seen[self.path] += 1
            count = seen[self.path]
            log.write(json.dumps({"path": self.path, "method": self.command, "at": time.time(), "body": body,
                                  "headers": {name.lower(): value for name, value in self.headers.items()}}) + "\n")
            log.flush()
        try:
            if what == "file":
                self.give_file(query, count)
            elif what == "upload":
                self.take_file(query, raw, isCut)
            else:
                self.answer(what, count, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def piece(self, size, query):
        """So many bytes of what comes; of an upload with a `pause` behind them."""
        if self.path.startswith("/upload"):
            time.sleep(float(query.get("pause", 0)))
        return self.rfile.read(size)

    def query(self):
        return dict(part.partition("=")[::2] for part in self.path.partition("?")[2].split("&") if part)

    def give_file(self, query, count):
        """A file of `size` bytes, in pieces with a `pause` between them. `etag`: its version; `changes`: a new one for
        each request; `cut`: the first answer ends after so many bytes; `deaf`: it knows no ranges."""
        version = str(count) if "changes" in query else "1"
        data = content(int(query.get("size", 1 << 20)), version)
        etag = f'{query.get("weak", "")}"{query["etag"]}{version}"' if "etag" in query else None
        asked = self.headers.get("Range", "")
        follows = asked and "deaf" not in query and self.headers.get("If-Range") in (None, etag)
        begin = int(asked[len("bytes="):-1]) if follows else 0
        headers = {"ETag": etag} if etag else {}
        if follows and begin >= len(data):
            return self.reply(416, b"", Content_Range=f"bytes */{len(data)}", **headers)
        if follows:
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        self.send_response(206 if follows else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        end = int(query["cut"]) if "cut" in query and count == 1 else len(data)
        for at in range(begin, end, 1 << 16):
            self.wfile.write(data[at:min(at + (1 << 16), end)])
            time.sleep(float(query.get("pause", 0)))
        self.close_connection = self.close_connection or end < len(data)

    def take_file(self, query, raw, is_cut):
        """Keeps what is sent under the path's name. `knows`: tells who asks how much of it is there."""
        name = self.path.split("?")[0]
        said = self.headers.get("Content-Range", "")
        with lock:
            have = uploads.setdefault(name, b"")
            if said.startswith("bytes */"):
                if "knows" not in query:
                    return self.reply(400, b"what range")
                if len(have) == int(said[len("bytes */"):]):
                    return self.reply(200, b"all of it")
                return self.reply(308, Range=f"bytes=0-{len(have) - 1}") if have else self.reply(308)
            begin = int(said[len("bytes "):].split("-")[0]) if said else 0
            uploads[name] = have[:begin] + raw
            whole = uploads[name]
        if is_cut:
            self.close_connection = True
            return self.connection.close()
        status = int(query.get("status", 201))
        self.reply(status, hashlib.sha256(whole).hexdigest().encode(), Content_Type="text/plain")

    def answer(self, what, count, body):
        lines = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in STREAM).encode()
        if what == "ok":
            self.reply(200, b'{"ok":true}', Content_Type="application/json")
        elif what == "text":
            self.reply(200, b"hello\nworld", Content_Type="text/plain")
        elif what == "echo":
            self.reply(200, json.dumps({"method": self.command, "body": body}).encode(), Content_Type="application/json")
        elif what == "flaky":
            self.reply(500, b"not yet") if count < 3 else self.reply(200, b'"at last"')
        elif what == "broken":
            self.reply(500, b"it is broken")
        elif what == "busy":
            self.reply(429, b"later", Retry_After="4") if count == 1 else self.reply(200, b"1")
        elif what == "missing":
            self.reply(404, b"no such flow")
        elif what == "stream":
            self.begin_stream()
            self.pieces(lines, 7, 0.05)
            self.chunk(b"")
        elif what == "noise":
            self.begin_stream("application/x-ndjson")
            self.chunk(b"this is no json\n" + lines)
            self.chunk(b"")
        elif what == "events":
            self.begin_stream("text/event-stream")
            for one in STREAM:
                self.chunk(f": a comment\nevent: message\ndata: {json.dumps(one)}\n\n".encode())
            self.chunk(b"data: [DONE]\n\n")
            self.chunk(b"")
        elif what == "cut":
            self.begin_stream()
            if count == 1:
                self.chunk(lines[:200])
                self.close_connection = True
                return
            self.chunk(lines)
            self.chunk(b"")
        elif what == "silent":
            if count > 1:
                return self.reply(200, b'"spoke"')
            time.sleep(30)
        elif what == "stuck":
            self.begin_stream()
            self.chunk(lines[:100])
            time.sleep(30)
        elif what == "open":
            self.begin_stream()
            for _ in range(60):
                self.chunk(b'{"type":"chunk","value":"."}\n')
                time.sleep(0.5)
            self.chunk(b"")
        elif what == "trickle":
            self.begin_stream("application/json")
            self.pieces(b'"' + b"x" * 30 + b'"', 1, 0.1)
            self.chunk(b"")
        elif what == "hugeline":
            self.begin_stream("application/x-ndjson")
            self.chunk(b'{"type":"chunk","value":"' + b"x" * (2 << 20))
            self.chunk(b"")
        elif what == "hugebody":
            self.begin_stream("application/json")
            for _ in range(64):
                self.chunk(b"x" * (1 << 20))
            self.chunk(b"")
        elif what == "loop":
            self.reply(302, Location="/loop")
        elif what == "redirect":
            self.reply(303, Location="/echo")
        elif what == "slow":
            time.sleep(3)
            self.reply(200, b"3")
        else:
            self.reply(404, b"the far side knows nothing of that")

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FarSide)
server.daemon_threads = True
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
